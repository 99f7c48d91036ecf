/** Magic number of LZ4's legacy frame, the one that the kernel's build uses. */
const LEGACY_MAGIC = 0x184c2102;

/**
 * Decodes an LZ4 legacy frame: the magic, then blocks of at most 8 MiB, each behind its compressed length.
 * `size` is the decoded length, in bytes; more or less than that is an error, so nothing is allocated on the input's word alone.
 */
export function decodeLz4Legacy(frame: Uint8Array, size: number): Uint8Array {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
  if (frame.length < 4 || view.getUint32(0, true) !== LEGACY_MAGIC) throw new Error('expected an LZ4 legacy frame');
  const out = new Uint8Array(size);
  let written = 0;
  for (let at = 4; at + 4 <= frame.length && written < size; ) {
    const length = view.getUint32(at, true);
    at += 4;
    if (at + length > frame.length) throw new Error('the LZ4 frame ends inside a block');
    written = decodeBlock(frame.subarray(at, at + length), out, written);
    at += length;
  }
  if (written !== size) throw new Error(`expected ${size} decoded bytes, got ${written}`);
  return out;
}

/** Decodes one block into `out` from `at`; gives where it ended. */
function decodeBlock(block: Uint8Array, out: Uint8Array, at: number): number {
  let from = 0;
  const extended = (nibble: number): number => {
    let length = nibble;
    for (let more = nibble === 15 ? 255 : 0; more === 255; length += more) more = block[from++] ?? 0;
    return length;
  };
  while (from < block.length) {
    const token = block[from++]!;
    const literals = extended(token >> 4);
    if (from + literals > block.length || at + literals > out.length)
      throw new Error('an LZ4 block holds too many literals');
    out.set(block.subarray(from, from + literals), at);
    from += literals;
    at += literals;
    if (from >= block.length) return at;
    const distance = block[from]! | (block[from + 1]! << 8);
    from += 2;
    const length = extended(token & 15) + 4;
    if (distance === 0 || distance > at || at + length > out.length)
      throw new Error('an LZ4 match reaches outside its block');
    if (distance >= length) out.copyWithin(at, at - distance, at - distance + length);
    else for (let copied = 0; copied < length; copied++) out[at + copied] = out[at - distance + copied]!;
    at += length;
  }
  return at;
}
