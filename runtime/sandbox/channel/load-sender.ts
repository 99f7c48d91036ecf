import { CHUNK_BYTES, type LoadMessage } from '../../agent/wire.ts';
import type { FrameWriter } from './frame-writer.ts';

/** Sends a load: its message, the bytes that follow it as fast as they are taken, and their end. Stops when nobody takes them any more. */
export async function sendLoad(
  writer: FrameWriter,
  id: number,
  message: LoadMessage,
  parts: readonly Uint8Array[],
  isLost: () => boolean,
): Promise<void> {
  writer.message('load', id, message);
  for (const part of parts) {
    for (let at = 0; at < part.length && !isLost(); at += CHUNK_BYTES) {
      writer.body(id, part.subarray(at, at + CHUNK_BYTES));
      await writer.room();
    }
  }
  writer.raw('end', id, new Uint8Array(0));
}
