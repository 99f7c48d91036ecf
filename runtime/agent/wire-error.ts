/** A peer that breaks the rules of the wire; the channel cannot be trusted any more. */
export class WireError extends Error {
  override readonly name = 'WireError';
}
