import { deepStrictEqual } from 'node:assert/strict';
import {
  decodeMessage,
  encodeFrame,
  encodeMessage,
  type Frame,
  FrameReader,
  HEADER_BYTES,
  MAX_FRAME_BYTES,
  WireError,
} from '../../runtime/agent/wire.ts';
import type { SeededRandom } from '../support/random.ts';
import type { FuzzTarget } from './run.ts';

/**
 * Frames survive any cut of the stream, and messages their encoding; mangled ones end in `WireError` with bounded memory, never
 * in anything else.
 */
const frames: FuzzTarget = (random) => {
  const sent = Array.from({ length: random.below(5) }, () =>
    encodeFrame('body', random.below(2 ** 31), random.bytes(random.below(300))),
  );
  const stream = Uint8Array.from(sent.flatMap((frame) => [...frame]));

  const whole = read(stream, () => 1 + random.below(64));
  if (whole.length !== sent.length) throw new Error(`expected ${sent.length} frames, got ${whole.length}`);
  whole.forEach((frame, index) => {
    const again = encodeFrame(frame.kind, frame.id, frame.payload);
    if (Buffer.compare(again, sent[index]!) !== 0) throw new Error(`frame ${index} changed on its way`);
  });

  refusedOrFine(() => read(random.mutate(stream), () => 1 + random.below(64)));

  const message = anything(random, 3);
  const encoded = encodeMessage(message);
  deepStrictEqual(decodeMessage(encoded), message);
  refusedOrFine(() => decodeMessage(random.mutate(encoded)));
  refusedOrFine(() => decodeMessage(random.bytes(random.below(40))));
};

function refusedOrFine(work: () => unknown): void {
  try {
    work();
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
  }
}

function anything(random: SeededRandom, depth: number): unknown {
  const long = random.pick(['x', 'é', '\ufeff', '\u{1f4f7}']).repeat(random.below(120));
  const leaf = [null, true, 0, -1, -40_000, 1.5, 2 ** 40, random.below(2 ** 32), '', 'kind', long, `\ufeff${long}`];
  if (depth === 0 || random.below(3) === 0) return random.pick([...leaf, random.bytes(random.below(300))]);
  const items = Array.from({ length: random.below(6) }, () => anything(random, depth - 1));
  return random.below(2) === 0 ? items : Object.fromEntries(items.map((item, index) => [`k${index}`, item]));
}

function read(stream: Uint8Array, step: () => number): Frame[] {
  const reader = new FrameReader();
  const frames: Frame[] = [];
  for (let at = 0; at < stream.length; ) {
    const next = at + step();
    frames.push(...reader.push(stream.subarray(at, next)));
    at = next;
    if (reader.pendingBytes > HEADER_BYTES + MAX_FRAME_BYTES)
      throw new Error(`the reader holds ${reader.pendingBytes} bytes`);
  }
  return frames;
}

export default frames;
