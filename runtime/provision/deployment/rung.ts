import type { Digest } from '../../../guest-sdk/protocol/index.ts';

/** The ways to come to what is wanted, the cheapest first. */
export const RUNGS = ['running', 'cached', 'pulled', 'difference', 'package', 'overlay', 'on-demand'] as const;
export type RungName = (typeof RUNGS)[number];

/** Bytes that a device may be asked for, by digest; at most `MAX_PART_BYTES`. */
export interface Part {
  readonly digest: Digest;
  readonly bytes: number;
}

/** Longest part: it is held in memory while it is verified. */
export const MAX_PART_BYTES = 4 * 1024 * 1024;

/** Where a rung gets the parts that were missing. */
export interface PartSource {
  /** Resolves with the verified bytes once they are there; asking for one moves it to the front of what the device is told to send. */
  get(part: Digest, signal?: AbortSignal): Promise<Uint8Array>;
}

/** How far an act of provisioning is. */
export interface RungProgress {
  /** One word for people and programs, such as `receiving`, `applying`, `installing`, `starting`, `probing`. */
  readonly stage: string;
  readonly bytesDone?: number;
  readonly bytesTotal?: number | null;
  /** Lines of a log, as they come: what a recipe's step says. */
  readonly log?: string;
}

/** What a rung is given to work with. */
export interface RungContext {
  readonly parts: PartSource;
  readonly report: (progress: RungProgress) => void;
  readonly signal: AbortSignal;
}

/** What was wanted, ready to be used. */
export interface Provisioned {
  readonly kind: 'function' | 'service';
  readonly name: string;
  /** Path on this cloudlet, such as `/s/ocr/`. */
  readonly address: string;
  readonly digest: Digest;
}

/** One way that can be taken for a wish. */
export interface Offer {
  /** What the device must send; empty when nothing. */
  readonly missing: readonly Part[];
  /** Takes the way. Rejects with a code of the error table, and nothing is left of it then. */
  provision(context: RungContext): Promise<Provisioned>;
}

/** A way that this cloudlet knows. `Wish` is what `POST /v1/deployments` was asked for, parsed. */
export interface Rung<Wish> {
  readonly name: RungName;
  /** The way for this wish; null when it cannot be taken, `why` (a clause) for the sentence that refuses when none can. */
  offer(wish: Wish, signal: AbortSignal): Promise<Offer | { readonly why: string } | null>;
}
