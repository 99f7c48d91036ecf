import { isIPv4, isIPv6 } from 'node:net';

/** An IP address as its bytes in network order: 4 of IPv4, 16 of IPv6. */
export type IpBytes = Uint8Array;

/** The bytes of an address as people write it, without brackets; null when it is none. An address with a zone is none: a zone names an interface of this computer. */
export function parseIp(text: string): IpBytes | null {
  if (isIPv4(text)) return Uint8Array.from(text.split('.'), Number);
  return isIPv6(text) && !text.includes('%') ? parseIpv6(text) : null;
}

/** The text that the system's calls take for an address. */
export function formatIp(bytes: IpBytes): string {
  if (bytes.length === 4) return bytes.join('.');
  const words = Array.from({ length: 8 }, (_, at) => ((bytes[2 * at]! << 8) | bytes[2 * at + 1]!).toString(16));
  // As browsers write it, so that one address has one text.
  return new URL(`http://[${words.join(':')}]/`).hostname.slice(1, -1);
}

/** A range of addresses: those of the same family that begin with the same bits. */
export interface IpRange {
  readonly base: IpBytes;
  readonly bits: number;
}

/** The range of `10.0.0.0/8` or `fd00::/8`, or of one address; null when it is none. */
export function parseRange(text: string): IpRange | null {
  const [address, bits, ...rest] = text.split('/');
  const base = parseIp(address!);
  if (base === null || rest.length > 0) return null;
  if (bits === undefined) return { base, bits: base.length * 8 };
  if (!/^(0|[1-9][0-9]{0,2})$/.test(bits) || Number(bits) > base.length * 8) return null;
  return { base, bits: Number(bits) };
}

/** Whether an address lies in a range. Families do not mix. */
export function inRange(address: IpBytes, { base, bits }: IpRange): boolean {
  if (address.length !== base.length) return false;
  const whole = bits >> 3;
  for (let at = 0; at < whole; at++) if (address[at] !== base[at]) return false;
  const left = bits & 7;
  return left === 0 || (address[whole]! ^ base[whole]!) >> (8 - left) === 0;
}

/** The text is known to be an IPv6 address. */
function parseIpv6(text: string): IpBytes {
  const dotted = /^(.*:)([0-9.]+\.[0-9.]+)$/.exec(text);
  const quad = dotted === null ? null : parseIp(dotted[2]!)!;
  const plain =
    quad === null
      ? text
      : `${dotted![1]}${((quad[0]! << 8) | quad[1]!).toString(16)}:${((quad[2]! << 8) | quad[3]!).toString(16)}`;
  const [head, tail] = plain.split('::') as [string, string | undefined];
  const before = wordsOf(head);
  const after = wordsOf(tail ?? '');
  const words = [...before, ...new Array<number>(8 - before.length - after.length).fill(0), ...after];
  return Uint8Array.from(words.flatMap((word) => [word >> 8, word & 0xff]));
}

function wordsOf(text: string): number[] {
  return text === '' ? [] : text.split(':').map((word) => Number.parseInt(word, 16));
}
