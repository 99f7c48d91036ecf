/**
 * One number of 32 bits for each byte, the same for ever: where chunks end depends on them, and so does whether two computers find the
 * same chunks. Numbers of Marsaglia's xorshift32, begun with the digits of the golden ratio.
 */
export const GEAR: Int32Array = (() => {
  const table = new Int32Array(256);
  let state = 0x9e3779b9;
  for (let at = 0; at < table.length; at += 1) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    table[at] = state;
  }
  return table;
})();
