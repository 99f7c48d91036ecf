import {
  DEPLOYMENT_RUNGS,
  type DeploymentRung,
  type Digest,
  type Part,
  type Published,
} from '../../../guest-sdk/protocol/index.ts';

export { MAX_PART_BYTES, type Part } from '../../../guest-sdk/protocol/index.ts';

/** The ways to come to what is wanted, the cheapest first. */
export const RUNGS = DEPLOYMENT_RUNGS;
export type RungName = DeploymentRung;

/** Where a rung gets the parts that were missing. */
export interface PartSource {
  /**
   * Resolves with the verified bytes, which are the caller's, once they are there; asking for one moves it to the front of what the device is told to send, behind those
   * that were asked for before it. `urgent`: before them, too.
   */
  get(part: Digest, signal?: AbortSignal, urgent?: boolean): Promise<Uint8Array>;
  /** Parts come in the order of the offer whether they are asked for or not, and those that are not are read back from the disk. */
  readonly sendsUnasked?: boolean;
}

/** The stage of an act that waits for another one's turn to end: it can do nothing, and that is no stall. */
export const WAITING = 'waiting';

/** How far an act of provisioning is. */
export interface RungProgress {
  /** One word for people and programs, such as `receiving`, `applying`, `installing`, `starting`, `probing`. */
  readonly stage: string;
  readonly bytesDone?: number;
  readonly bytesTotal?: number | null;
  /** Lines of a log, as they come: what a recipe's step says. */
  readonly log?: string;
  /** Of what is wanted, once it is known: by it a restarted cloudlet finds out whether the act had come to its end. */
  readonly digest?: Digest;
}

/** What a rung is given to work with. */
export interface RungContext {
  readonly parts: PartSource;
  readonly report: (progress: RungProgress) => void;
  /** Who asked for it first: what runs for it counts for him. */
  readonly user?: string;
  /** It can be used already, while what is missing goes on coming: told to those who asked for it early; nobody hears of it when left out. */
  readonly serves?: (provisioned: Provisioned) => void;
  readonly signal: AbortSignal;
}

/** In whose name a VM is started for an act that nobody is known to have asked for. */
export const NOBODY = 'deployment';

/** What was wanted, ready to be used. */
export interface Provisioned {
  readonly kind: 'function' | 'service';
  readonly name: string;
  /** Path on this cloudlet, such as `/s/ocr/`. */
  readonly address: string;
  readonly digest: Digest;
  /** What was published, of a function. */
  readonly published?: Published;
}

/** One way that can be taken for a wish. */
export interface Offer {
  /** What the device must send; empty when nothing. */
  readonly missing: readonly Part[];
  /** All parts that it will read, those among them that were sent before: they stay. */
  readonly reads?: readonly Part[];
  /** Stored blobs in which it found chunks of them: they stay, too. */
  readonly blobs?: Iterable<Digest>;
  /** Takes the way. Rejects with a code of the error table, and nothing is left of it then. */
  provision(context: RungContext): Promise<Provisioned>;
}

/** A way that this cloudlet knows. `Wish` is what `POST /v1/deployments` was asked for, parsed. */
export interface Rung<Wish> {
  readonly name: RungName;
  /** The way for this wish; null when it cannot be taken, `why` (a clause) for the sentence that refuses when none can. */
  offer(wish: Wish, signal: AbortSignal): Promise<Offer | { readonly why: string } | null>;
}
