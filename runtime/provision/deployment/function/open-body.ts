import type { HostPolicy } from '../../../grant/index.ts';
import { addressPolicy } from '../../../outside/network/address-policy.ts';
import { Dialer } from '../../../outside/network/dialer.ts';
import { hostPatterns } from '../../../outside/network/host-pattern.ts';
import { systemNetworks } from '../../../outside/network/own-networks.ts';
import { answerFrom, bytesOf, destinationOf, unavailable } from './outside-answer.ts';

const MAX_REDIRECTS = 5;

/** What is behind a refusal, and what to do. */
const REMEDIES: Readonly<Record<number, string>> = {
  401: ': it is for callers with credentials, and none are sent from here; push it instead, as a file: npx cloudlet deploy FILE',
  403: ': it is not for everybody; push it instead, as a file: npx cloudlet deploy FILE',
};

/** Which bytes of a whole are asked for; `end` is not among them. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** The body of an answer. */
export interface OpenedBody {
  /** Whether it is the range that was asked for; a server without ranges gives all. */
  readonly isPart: boolean;
  /** As declared; null when the server did not say. */
  readonly length: number | null;
  readonly bytes: AsyncIterable<Uint8Array>;
  /** Lets go of the connection. Idempotent. */
  close(): void;
}

/**
 * Opens what a server has at an address. The rules are those of functions: the host's policy names hosts, an address that is not public is
 * reached only where it says so, a name is resolved once and its checked address connected to; each redirect is checked anew.
 * `network-unavailable` says why not. With `range`, the bytes from its start to before its end are asked for.
 */
export async function openBody(
  address: string,
  policy: Pick<HostPolicy, 'http' | 'privateNetworks'>,
  signal: AbortSignal,
  range?: ByteRange,
): Promise<OpenedBody> {
  const dialer = new Dialer(addressPolicy(policy.privateNetworks, systemNetworks()));
  let url = new URL(address);
  for (let left = MAX_REDIRECTS; ; left -= 1) {
    const { destination, scheme } = destinationOf(url);
    const patterns = policy.http === 'any-public' ? ['*:*'] : policy.http === 'none' ? [] : policy.http;
    if (!hostPatterns(patterns)(destination, scheme))
      throw unavailable(url, `a host that the cloudlet's policy (--policy, "http") allows`);
    const fields: Record<string, string> =
      range === undefined ? {} : { range: `bytes=${range.start}-${range.end - 1}` };
    const { response, close } = await answerFrom(url, { method: 'GET', fields }, dialer, signal);
    const { statusCode: status = 0, headers } = response;
    const start = status === 206 ? startOf(headers['content-range']) : null;
    if (status === 200 || (start !== null && start === range?.start)) {
      const declared = headers['content-length'];
      return {
        isPart: status === 206,
        length: declared === undefined ? null : Number(declared),
        bytes: bytesOf(response, url, signal),
        close,
      };
    }
    close();
    const next = status >= 301 && status <= 308 && status !== 304 ? URL.parse(headers.location ?? '', url) : null;
    if (next === null || left === 0)
      throw unavailable(url, `an answer with status 200, got ${status}${REMEDIES[status] ?? ''}`);
    url = next;
  }
}

/** Where a part of a whole begins, of `bytes 100-199/1000`; null when it does not say. */
function startOf(field: string | undefined): number | null {
  const match = /^bytes (\d{1,15})-/.exec(field ?? '');
  return match === null ? null : Number(match[1]);
}
