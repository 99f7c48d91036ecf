import { CloudletError } from '../../guest-sdk/protocol/index.ts';

/** A media type without its parameters, and the parameters, all names in lower case. */
export interface MediaType {
  readonly type: string;
  readonly parameters: ReadonlyMap<string, string>;
}

/** Reads a `Content-Type`; null when it is none. */
export function parseMediaType(text: string): MediaType | null {
  const [type, ...rest] = text.split(';').map((part) => part.trim());
  if (type === undefined || !/^[\w!#$&^.+-]+\/[\w!#$&^.+*-]+$|^\*\/\*$/.test(type)) return null;
  const parameters = new Map<string, string>();
  for (const part of rest) {
    const match = /^([\w-]+)=(?:"([^"\\]*)"|([^\s"]*))$/.exec(part);
    if (match === null) return null;
    parameters.set(match[1]!.toLowerCase(), match[2] ?? match[3] ?? '');
  }
  return { type: type.toLowerCase(), parameters };
}

/** The one of `accepted` that a request's body is, compared without parameters; `media-type-unsupported` names what would do. */
export function requireMediaType<T extends string>(
  contentType: string | undefined,
  accepted: Readonly<Record<string, T>>,
): T {
  const parsed = contentType === undefined ? null : parseMediaType(contentType);
  const charset = parsed?.parameters.get('charset')?.toLowerCase();
  const found = parsed !== null && Object.hasOwn(accepted, parsed.type) ? accepted[parsed.type] : undefined;
  if (found !== undefined && (charset === undefined || charset === 'utf-8' || charset === 'utf8')) return found;
  throw new CloudletError(
    'media-type-unsupported',
    `expected Content-Type ${Object.keys(accepted).join(' or ')}, got ${contentType === undefined ? 'none' : JSON.stringify(contentType.slice(0, 200))}`,
  );
}

/**
 * The one of `offers` (best first) that an `Accept` header likes most: by quality, then by our order.
 * A more exact range decides over a wider one (RFC 9110, 12.5.1). `not-acceptable` names the offers.
 */
export function negotiate<T extends string>(accept: string | undefined, offers: readonly T[]): T {
  if (accept === undefined || accept.trim() === '') return offers[0]!;
  const ranges = accept
    .split(',')
    .map((part) => parseMediaType(part.trim()))
    .filter((range) => range !== null);
  let best: { offer: T; quality: number } | null = null;
  for (const offer of offers) {
    const quality = qualityOf(offer, ranges);
    if (quality > 0 && (best === null || quality > best.quality)) best = { offer, quality };
  }
  if (best !== null) return best.offer;
  throw new CloudletError(
    'not-acceptable',
    `expected an Accept that allows ${offers.join(' or ')}, got ${JSON.stringify(accept.slice(0, 200))}`,
  );
}

function qualityOf(offer: string, ranges: readonly MediaType[]): number {
  const family = `${offer.slice(0, offer.indexOf('/'))}/*`;
  for (const wanted of [offer, family, '*/*']) {
    const range = ranges.find((one) => one.type === wanted);
    if (range === undefined) continue;
    const quality = Number(range.parameters.get('q') ?? 1);
    return Number.isNaN(quality) ? 0 : Math.min(1, Math.max(0, quality));
  }
  return 0;
}
