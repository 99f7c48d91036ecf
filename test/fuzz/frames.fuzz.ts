import {
  encodeFrame,
  type Frame,
  FrameReader,
  HEADER_BYTES,
  MAX_FRAME_BYTES,
  WireError,
} from '../../runtime/agent/wire.ts';
import type { FuzzTarget } from './run.ts';

/** Frames survive any cut of the stream, and mangled streams end in `WireError` with bounded memory, never in anything else. */
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

  try {
    read(random.mutate(stream), () => 1 + random.below(64));
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
  }
};

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
