/** What a guest of WASI 0.3 would hand over, for tests without one. */
import { Context, ContextSeat } from '../../../../runtime/wasi/context.ts';
import type { WasiBackend } from '../../../../runtime/wasi/index.ts';
import type { GuestBytes, GuestStream } from '../../../../runtime/wasi/p3/stream/guest-stream.ts';
import { backend, utf8 } from '../backend.ts';

/** A seat with an invocation in it. */
export function seatWith(given: Partial<WasiBackend> = {}): ContextSeat {
  const seat = new ContextSeat();
  seat.context = new Context(backend(given));
  return seat;
}

/** A `stream<u8>` that the guest writes in these chunks and then drops. It notes how much was asked for at a time. */
export class FakeStream implements GuestStream {
  readonly asked: number[] = [];
  disposed = 0;
  #chunks: Uint8Array[];

  constructor(...chunks: string[]) {
    this.#chunks = chunks.map(utf8);
  }

  async read({ count }: { readonly count: number }): Promise<GuestBytes> {
    this.asked.push(count);
    const first = this.#chunks[0];
    if (first === undefined) return { value: undefined, done: true };
    if (first.length > count) {
      this.#chunks[0] = first.subarray(count);
      return { value: first.subarray(0, count), done: false };
    }
    this.#chunks.shift();
    return { value: first, done: false };
  }

  [Symbol.dispose](): void {
    this.disposed += 1;
  }
}

/** All that comes out of a stream that the host gave. */
export async function collect(stream: AsyncIterable<Uint8Array> | GuestStream): Promise<string> {
  let text = '';
  for await (const bytes of stream as AsyncIterable<Uint8Array>) text += Buffer.from(bytes).toString();
  return text;
}

/** Resolves when the microtasks that are due have run. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
}
