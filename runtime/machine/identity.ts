import { randomBytes } from 'node:crypto';
import type { Duplex } from 'node:stream';

/** What makes a machine one of a kind: the clones of a snapshot are otherwise the same machine many times. */
export interface Identity {
  /** What its clock is set to, milliseconds since 1970. */
  readonly wallMs: number;
  /** 64 bytes for the kernel's generator. */
  readonly entropy: Uint8Array;
  /** 16 bytes; the host name inside begins with them. */
  readonly id: Uint8Array;
}

const ENTROPY_BYTES = 64;
const ID_BYTES = 16;

/**
 * The time inside a machine that becomes a snapshot: 2000-01-01. Its clones jump by decades, and a jump is what makes OpenSSL's
 * generator in Node reseed itself; reseeding the kernel alone does not reach it.
 */
export const TEMPLATE_WALL_MS = 946_684_800_000;

/** A new identity; `wallMs` defaults to now. */
export function newIdentity(wallMs: number = Date.now()): Identity {
  return { wallMs, entropy: randomBytes(ENTROPY_BYTES), id: randomBytes(ID_BYTES) };
}

/** The bytes that `init.c` reads: i64 seconds, i64 nanoseconds, 64 bytes of entropy, 16 bytes of id; little-endian. */
export function encodeIdentity({ wallMs, entropy, id }: Identity): Uint8Array {
  const bytes = new Uint8Array(16 + ENTROPY_BYTES + ID_BYTES);
  const view = new DataView(bytes.buffer);
  const seconds = Math.floor(wallMs / 1000);
  view.setBigInt64(0, BigInt(seconds), true);
  view.setBigInt64(8, BigInt(Math.floor((wallMs - seconds * 1000) * 1e6)), true);
  bytes.set(entropy, 16);
  bytes.set(id, 16 + ENTROPY_BYTES);
  return bytes;
}

/** The answer to an identity: the machine has become it. */
const ACKNOWLEDGED = 'k'.charCodeAt(0);

/** The host's end of a machine's control port. */
export class ControlPort {
  readonly #stream: Duplex;
  readonly #waiting: PromiseWithResolvers<void>[] = [];
  /** Why it gives no answers any more. */
  #ended: string | null = null;

  constructor(stream: Duplex) {
    this.#stream = stream;
    stream.on('data', (bytes: Uint8Array) => this.#take(bytes));
    stream.on('error', () => {});
    stream.on('close', () => this.#end('the control port was closed'));
  }

  /** Makes the machine `identity`. Resolves when its kernel has acknowledged; rejects when it cannot any more. */
  renew(identity: Identity): Promise<void> {
    const answer = Promise.withResolvers<void>();
    answer.promise.catch(() => {});
    if (this.#ended !== null) {
      answer.reject(new Error(this.#ended));
    } else {
      this.#waiting.push(answer);
      this.#stream.write(encodeIdentity(identity));
    }
    return answer.promise;
  }

  #take(bytes: Uint8Array): void {
    for (const byte of bytes) {
      if (byte === ACKNOWLEDGED && this.#waiting.length > 0) {
        this.#waiting.shift()!.resolve();
        continue;
      }
      // Only the machine's own kernel answers here. What says anything else is not the machine that was started.
      this.#end(`expected the answer to an identity on the control port, got byte ${byte}`);
      this.#stream.destroy();
      return;
    }
  }

  #end(reason: string): void {
    this.#ended ??= reason;
    for (const answer of this.#waiting.splice(0)) answer.reject(new Error(this.#ended));
  }
}
