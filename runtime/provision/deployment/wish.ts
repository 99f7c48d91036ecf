import { createHash } from 'node:crypto';
import {
  type DeploymentRequest,
  type Digest,
  digestOfHex,
  type FunctionWish,
  type ServiceWish,
} from '../../../guest-sdk/protocol/index.ts';

/** What a deployment is for: one thing that is wanted, and what the device has of it. */
export interface Wish {
  readonly want: FunctionWish | ServiceWish;
  /** Digests that the device has at hand; null: all that `want` names. */
  readonly have: ReadonlyMap<Digest, number> | null;
  /** A component that both have: what is sent is only the difference from it. */
  readonly dictionary: Digest | null;
  /** For a registry that it is pulled from. */
  readonly credentials?: string | undefined;
  /** Whether it may be used before all of it is here. */
  readonly early?: boolean;
  /** The key that signed the store entry which brings it. */
  readonly vouchedBy?: string | undefined;
}

/** What a request wishes, when it names no entry of the store. */
export function wishOf(
  want: FunctionWish | ServiceWish,
  { have, credentials, early }: Pick<DeploymentRequest, 'have' | 'credentials' | 'early'>,
  dictionary: Digest | null = null,
): Wish {
  const held = have === undefined ? null : new Map(have.map(({ digest, bytes }) => [digest, bytes]));
  return { want, have: held, dictionary, credentials, ...(early === undefined ? {} : { early }) };
}

/** Whether a device can send what has a digest. */
export function isAtHand({ have }: Wish, digest: Digest): boolean {
  return have === null || have.has(digest);
}

/** A wish for a function; null for another. */
export function functionWish({ want }: Wish): FunctionWish | null {
  return 'function' in want ? want : null;
}

/** A wish for a service; null for another. */
export function serviceWish({ want }: Wish): ServiceWish | null {
  return 'service' in want ? want : null;
}

/** What kind of thing is wished, and its name. */
export function subjectOf({ want }: Wish): { readonly kind: 'function' | 'service'; readonly name: string } {
  return 'function' in want ? { kind: 'function', name: want.function } : { kind: 'service', name: want.service };
}

/** Wishes with the same key are for the same, by the same means: one act serves them all. Others' credentials are other means, and so is who vouches for it. */
export function keyOf({ want, credentials, vouchedBy }: Wish): string {
  const means =
    credentials === undefined && vouchedBy === undefined ? want : [want, credentials ?? '', vouchedBy ?? ''];
  return digestOfHex(
    createHash('sha256')
      .update(JSON.stringify(sorted(means)))
      .digest('hex'),
  );
}

/** The same data with its keys in order, so that equal things have equal texts. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, each]) => [key, sorted(each)]),
  );
}
