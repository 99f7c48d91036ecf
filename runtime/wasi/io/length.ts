/** A length that the guest chose, cut to what one call may move: a number that is safe to allocate. */
export function clipLength(length: bigint, max: number): number {
  return length > BigInt(max) ? max : Number(length);
}
