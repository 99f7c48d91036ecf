/** Bytes of a block of a tar: headers have one, contents are filled up to whole ones. */
export const TAR_BLOCK_BYTES = 512;

/** What a header says. */
export interface TarHeader {
  readonly name: string;
  /** The flag of its type: `0` a file, `5` a directory, `x` and `g` pax records, `L` a long name; others are links and devices. */
  readonly type: string;
  readonly size: number;
}

/** Largest size that the field of a header can say. */
const MAX_SIZE = 8 ** 11 - 1;

/** The header of a file; the same for the same name and size. `TypeError` for a name that needs more than a header: see `tarName`. */
export function encodeTarHeader({ name, type, size }: TarHeader): Uint8Array {
  const split = splitName(name);
  if (split === null || size > MAX_SIZE)
    throw new TypeError(`expected a name and a size that fit a header, got ${JSON.stringify(name)}`);
  const block = new Uint8Array(TAR_BLOCK_BYTES);
  const put = (at: number, text: string | Uint8Array) =>
    block.set(typeof text === 'string' ? ENCODER.encode(text) : text, at);
  put(0, split.name);
  put(100, type === '5' ? '0000755' : '0000644');
  put(108, '0000000');
  put(116, '0000000');
  put(124, size.toString(8).padStart(11, '0'));
  put(136, '00000000000');
  put(148, '        ');
  put(156, type);
  put(257, 'ustar\x0000');
  put(345, split.prefix);
  put(148, `${checksumOf(block).toString(8).padStart(6, '0')}\x00 `);
  return block;
}

/** Whether a name fits a plain header. */
export function fitsTarHeader(name: string): boolean {
  return splitName(name) !== null;
}

/** Reads a header; null for a block of zeroes, which ends a tar; a string says what is wrong with it. */
export function parseTarHeader(block: Uint8Array): TarHeader | null | string {
  if (block.every((byte) => byte === 0)) return null;
  const stored = octalOf(block.subarray(148, 156));
  if (stored === null || stored !== checksumOf(block)) return 'a header whose checksum does not match';
  const size = octalOf(block.subarray(124, 136));
  if (size === null) return 'a header with a size that is no octal number';
  const ustar = textOf(block.subarray(257, 262)) === 'ustar';
  const prefix = ustar && block[263] === 0x30 ? textOf(block.subarray(345, 500)) : '';
  const name = textOf(block.subarray(0, 100));
  if (name === null || prefix === null) return 'a header with a name that is no UTF-8';
  const flag = block[156]!;
  return { name: prefix === '' ? name : `${prefix}/${name}`, type: flag === 0 ? '0' : String.fromCharCode(flag), size };
}

/** The records of a pax header, by key; a string says what is wrong. */
export function parsePaxRecords(bytes: Uint8Array): ReadonlyMap<string, string> | string {
  const records = new Map<string, string>();
  for (let at = 0; at < bytes.length; ) {
    const space = bytes.indexOf(0x20, at);
    const length = space === -1 ? Number.NaN : Number(textOf(bytes.subarray(at, space)));
    const end = at + length;
    if (!Number.isInteger(length) || end > bytes.length || end <= space + 1 || bytes[end - 1] !== 0x0a)
      return 'a pax record of a wrong length';
    const record = decode(bytes.subarray(space + 1, end - 1));
    const equals = record?.indexOf('=') ?? -1;
    if (record === null || equals < 1) return 'a pax record without a key, or that is no UTF-8';
    records.set(record.slice(0, equals), record.slice(equals + 1));
    at = end;
  }
  return records;
}

/** A pax record. */
export function encodePaxRecord(key: string, value: string): Uint8Array {
  const rest = ENCODER.encode(` ${key}=${value}\n`).length;
  let length = rest + String(rest).length;
  if (rest + String(length).length !== length) length = rest + String(length).length;
  return ENCODER.encode(`${length} ${key}=${value}\n`);
}

const ENCODER = new TextEncoder();

function splitName(name: string): { readonly name: Uint8Array; readonly prefix: Uint8Array } | null {
  const bytes = ENCODER.encode(name);
  if (bytes.length <= 100) return { name: bytes, prefix: new Uint8Array(0) };
  for (let at = 1; at < bytes.length - 1; at += 1) {
    if (bytes[at] === 0x2f && at <= 155 && bytes.length - at - 1 <= 100) {
      return { name: bytes.subarray(at + 1), prefix: bytes.subarray(0, at) };
    }
  }
  return null;
}

function checksumOf(block: Uint8Array): number {
  let sum = 0;
  for (let at = 0; at < TAR_BLOCK_BYTES; at += 1) sum += at >= 148 && at < 156 ? 0x20 : block[at]!;
  return sum;
}

function octalOf(field: Uint8Array): number | null {
  const text = textOf(field)?.trim() ?? '';
  return /^[0-7]{1,12}$/.test(text) ? Number.parseInt(text, 8) : null;
}

/** A field of text up to its first NUL. */
function textOf(field: Uint8Array): string | null {
  const end = field.indexOf(0);
  return decode(end === -1 ? field : field.subarray(0, end));
}

function decode(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null; // It is no UTF-8.
  }
}
