import type { CloudletError, ErrorCode } from '../../../guest-sdk/protocol/index.ts';
import { type Offer, RUNGS, type Rung, type RungName } from './rung.ts';

/** A rung that can be taken for a wish. */
export interface Step {
  readonly rung: RungName;
  readonly offer: Offer;
  /** Its place among all rungs. */
  readonly at: number;
}

/** That no rung can be taken, with what each said; who says the same says it once. */
export interface NoStep {
  readonly whys: readonly string[];
}

/** Ways to come to what is wanted, asked in the order of their cost. */
export class Ladder<Wish> {
  readonly #rungs: readonly Rung<Wish>[];

  constructor(rungs: readonly Rung<Wish>[]) {
    this.#rungs = rungs.toSorted((a, b) => RUNGS.indexOf(a.name) - RUNGS.indexOf(b.name));
  }

  /** The first rung behind `after` (null: of all) that can be taken. */
  async next(wish: Wish, after: Step | null, signal: AbortSignal): Promise<Step | NoStep> {
    const whys = new Map<string, RungName[]>();
    for (let at = after === null ? 0 : after.at + 1; at < this.#rungs.length; at += 1) {
      const rung = this.#rungs[at]!;
      const offer = await rung.offer(wish, signal);
      if (offer === null) continue;
      if ('why' in offer) whys.set(offer.why, [...(whys.get(offer.why) ?? []), rung.name]);
      else return { rung: rung.name, offer, at };
    }
    return { whys: [...whys].map(([why, names]) => `${names.join(', ')}: ${why}`) };
  }
}

/** Failures of one way that say nothing about the next. All others are about what is wanted itself, or about this cloudlet. */
const SURVIVABLE: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'not-found',
  'function-unknown',
  'version-unknown',
  'service-unknown',
  'store-unknown',
  'base-unknown',
  'conditions-differ',
  'overlay-refused',
  'image-refused',
  'recipe-failed',
  'signature-invalid',
  'body-truncated',
  'body-too-large',
  'network-unavailable',
  'storage-corrupt',
  'machine-failed',
  'not-ready',
]);

/** Ways on which a function comes from its sender, whole: another would bring the same signatures, after the same bytes. */
const SENT: ReadonlySet<RungName> = new Set<RungName>(['difference', 'package']);

/** Whether the next way may end better than `rung`, which failed so. */
export function isSurvivable(error: CloudletError, rung: RungName): boolean {
  return SURVIVABLE.has(error.code) && !(error.code === 'signature-invalid' && SENT.has(rung));
}
