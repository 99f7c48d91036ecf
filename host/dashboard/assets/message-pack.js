// @ts-check
/**
 * As much MessagePack as a call with a file needs: arguments of one file and small whole numbers out; bytes, text, nothing, or a map
 * of these in. JSON would carry a photo as base64, a third larger.
 */

/**
 * The body of a call: the file first, then the numbers. The file is not copied.
 * @param {Blob} file
 * @param {readonly number[]} numbers
 */
export function encodeArguments(file, numbers) {
  const head = new Uint8Array(6);
  head[0] = 0x90 | (1 + numbers.length);
  head[1] = 0xc6;
  new DataView(head.buffer).setUint32(2, file.size);
  const tail = new Uint8Array(5 * numbers.length);
  const view = new DataView(tail.buffer);
  numbers.forEach((number, at) => {
    view.setUint8(5 * at, number < 0 ? 0xd2 : 0xce);
    if (number < 0) view.setInt32(5 * at + 1, number);
    else view.setUint32(5 * at + 1, number);
  });
  return new Blob([head, file, tail], { type: 'application/msgpack' });
}

/**
 * Reads an answer.
 * @param {ArrayBuffer} buffer
 * @returns {unknown} `Uint8Array`, string, null, or an object of these
 */
export function decodeAnswer(buffer) {
  const view = new DataView(buffer);
  let at = 0;
  const take = (/** @type {number} */ bytes) => {
    at += bytes;
    return at - bytes;
  };
  const bytes = (/** @type {number} */ length) => new Uint8Array(buffer, take(length), length);
  const text = (/** @type {number} */ length) => new TextDecoder().decode(bytes(length));
  /** @returns {unknown} */
  const value = () => {
    const tag = view.getUint8(take(1));
    if (tag === 0xc0) return null;
    if (tag === 0xc4) return bytes(view.getUint8(take(1)));
    if (tag === 0xc5) return bytes(view.getUint16(take(2)));
    if (tag === 0xc6) return bytes(view.getUint32(take(4)));
    if (tag >= 0xa0 && tag <= 0xbf) return text(tag & 0x1f);
    if (tag === 0xd9) return text(view.getUint8(take(1)));
    if (tag === 0xda) return text(view.getUint16(take(2)));
    if (tag === 0xdb) return text(view.getUint32(take(4)));
    const members = tag >= 0x80 && tag <= 0x8f ? tag & 0x0f : tag === 0xde ? view.getUint16(take(2)) : null;
    if (members === null) throw new Error(`expected a file as the answer, got MessagePack of type ${tag}`);
    /** @type {Record<string, unknown>} */
    const map = {};
    for (let i = 0; i < members; i++) map[String(value())] = value();
    return map;
  };
  return value();
}
