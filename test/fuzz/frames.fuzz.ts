import { deepStrictEqual } from 'node:assert/strict';
import {
  decodeDone,
  decodeHead,
  decodeInvoke,
  decodeMessage,
  encodeDone,
  encodeFrame,
  encodeHead,
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

  const head = { status: random.below(1000), headers: fields(random) };
  const done = { kind: 'ok', exitCode: random.below(256), runMs: 1.5, trailers: fields(random) } as const;
  deepStrictEqual(plain(decodeHead(encodeHead(head))), plain(head));
  deepStrictEqual(plain(decodeDone(encodeDone(done))), plain(done));
  for (const payload of [encodeHead(head), encodeDone(done), random.bytes(random.below(80))]) {
    const torn = random.below(2) === 0 ? payload.subarray(0, random.below(payload.length + 1)) : random.mutate(payload);
    refusedOrFine(() => decodeHead(torn));
    refusedOrFine(() => decodeDone(torn));
    refusedOrFine(() => decodeInvoke(torn));
  }
};

const fields = (random: SeededRandom) =>
  Array.from(
    { length: random.below(4) },
    () => [random.pick(['', 'a', 'x-é', 'n\ud83d\udcf7', 'y'.repeat(300)]), random.bytes(random.below(9))] as const,
  );

/** Without the difference between a `Buffer` and other bytes. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return [...value];
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, plain(each)]));
}

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
