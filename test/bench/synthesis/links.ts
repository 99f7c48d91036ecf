import type { LinkShape } from '../../support/shaped-link.ts';

/** A link between device and cloudlet. */
export interface Link {
  /** Part of the names of figures. */
  readonly name: string;
  /** Null: the loopback as it is. */
  readonly shape: LinkShape | null;
}

const MBIT = 1_000_000;

/** Links that earlier systems were measured on, and none. */
export const LINKS: readonly Link[] = [
  { name: '10mbit', shape: { bitsPerS: 10 * MBIT, roundTripMs: 50 } },
  { name: '15mbit', shape: { bitsPerS: 15 * MBIT, roundTripMs: 10 } },
  { name: '38mbit', shape: { bitsPerS: 38 * MBIT, roundTripMs: 20 } },
  { name: 'loopback', shape: null },
];
