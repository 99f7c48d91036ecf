import { CloudletError, type Digest, WantedParts } from '../../protocol/index.ts';
import { patiently, type Wait } from '../patience.ts';
import type { HostAddress } from '../request.ts';
import type { HeldParts } from './held-parts.ts';
import { type PackedPart, PartPacker } from './packed-part.ts';

/** Parts on their way at once: enough that the link never waits for an answer, few enough that what is wanted next is soon sent. */
const IN_FLIGHT = 4;
/**
 * Bytes of them: parts share the link, and when it breaks all of them are lost. Four long ones at once would take four times as long until the first
 * is there; a link that breaks more often would never get one across.
 */
const IN_FLIGHT_BYTES = 1.5 * 1024 * 1024;

/** Where parts go, and who is told. */
export interface SenderParts {
  readonly host: HostAddress;
  /** `/v1/deployments/{id}/parts` */
  readonly path: string;
  readonly held: HeldParts;
  readonly signal: AbortSignal;
  readonly wait: Wait;
  readonly sent: (bytes: number) => void;
}

/** Sends what a cloudlet wants, in its order, a few at once, until nothing is missing. */
export class PartSender {
  readonly #parts: SenderParts;
  readonly #bytes: ReadonlyMap<Digest, number>;
  readonly #packer = new PartPacker();
  readonly #flying = new Map<Digest, Promise<void>>();
  /** When each was sent, counted in requests: an answer to an earlier one does not know of it. */
  readonly #sentAt = new Map<Digest, number>();
  #requests = 0;

  constructor(parts: SenderParts) {
    this.#parts = parts;
    this.#bytes = new Map(parts.held.parts.map(({ digest, bytes }) => [digest, bytes]));
  }

  /** Sends all that is wanted now; call it again when that may be more. `known`: what is wanted, from an answer that came before anything was sent. */
  async send(known?: WantedParts): Promise<void> {
    const { host, path, signal, wait } = this.#parts;
    const began = this.#begin();
    let wanted = known ?? (await patiently(() => host.json(WantedParts, { path, signal }), signal, wait));
    this.#drop(wanted, began);
    const failed = Promise.withResolvers<never>();
    failed.promise.catch(() => {}); // Observed below as long as anything is on its way.
    let queue = this.#queue(wanted);
    for (;;) {
      while (queue.length > 0 && this.#hasRoom()) {
        const digest = queue.shift()!;
        const at = this.#begin();
        const flight = this.#put(digest).then(
          (answer) => {
            this.#flying.delete(digest);
            this.#sentAt.set(digest, this.#requests);
            this.#drop(answer, at);
            wanted = answer;
            queue = this.#queue(answer);
          },
          (error: unknown) => {
            this.#flying.delete(digest);
            failed.reject(error);
          },
        );
        this.#flying.set(digest, flight);
      }
      if (this.#flying.size === 0) return;
      await Promise.race([failed.promise, ...this.#flying.values()]);
    }
  }

  #hasRoom(): boolean {
    const bytes = [...this.#flying.keys()].reduce((sum, digest) => sum + (this.#bytes.get(digest) ?? 0), 0);
    return this.#flying.size < IN_FLIGHT && bytes < IN_FLIGHT_BYTES;
  }

  #begin(): number {
    this.#requests += 1;
    return this.#requests;
  }

  /** A part that is wanted by an answer to a request which began after it had been sent was lost there: it is sent once more. */
  #drop({ wanted }: WantedParts, began: number): void {
    for (const digest of wanted) if ((this.#sentAt.get(digest) ?? began) < began) this.#sentAt.delete(digest);
  }

  #queue({ wanted }: WantedParts): Digest[] {
    return wanted.filter((digest) => !this.#flying.has(digest) && !this.#sentAt.has(digest));
  }

  async #put(digest: Digest): Promise<WantedParts> {
    const { host, path, held, signal, wait, sent } = this.#parts;
    const whole = await held.read(digest);
    const put = async (packed: PackedPart): Promise<WantedParts> => {
      const { bytes: body, encoding } = packed;
      const headers = {
        ...{ 'content-type': 'application/octet-stream', 'content-length': String(body.length) },
        ...(encoding === null ? {} : { 'content-encoding': encoding }),
      };
      const request = { method: 'PUT', path: `${path}/${digest}`, headers, body, signal } as const;
      const answer = await patiently(() => host.json(WantedParts, request).catch(asAway), signal, wait);
      this.#packer.sent(body.length);
      sent(body.length);
      return answer;
    };
    const packed: PackedPart =
      held.isPacked === true ? { bytes: whole, encoding: null } : await this.#packer.pack(whole);
    const answer = await put(packed).catch((error: unknown) => {
      if (packed.encoding === null || !isUnsupported(error)) throw error;
      this.#packer.refused();
      return put({ bytes: whole, encoding: null });
    });
    return answer;
  }
}

/** A cloudlet of an earlier version takes no encoding. */
function isUnsupported(error: unknown): boolean {
  return error instanceof CloudletError && error.code === 'media-type-unsupported';
}

/** Bytes that broke off are sent again like those of a connection that did. */
function asAway(error: unknown): never {
  const isBroken =
    error instanceof CloudletError && (error.code === 'body-truncated' || error.code === 'request-timeout');
  if (isBroken) throw new CloudletError('network-unavailable', error.message, { cause: error });
  throw error;
}
