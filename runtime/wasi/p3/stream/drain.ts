import { type ByteSink, StreamFailure } from '../../backend.ts';
import type { Context } from '../../context.ts';
import { DISPOSE } from '../../dispose.ts';
import { wakerOf } from '../../io/waker.ts';
import { Watch } from '../../io/watch.ts';
import { type GuestStream, STEP_BYTES } from './guest-stream.ts';

/**
 * Moves all that a guest writes into a sink, as fast as that takes it: the guest's write waits until there is room. Gives the failure
 * of a sink that takes no more, or null. The sink stays open.
 */
export async function drain(context: Context, stream: GuestStream, sink: ByteSink): Promise<StreamFailure | null> {
  const readiness = new Watch(
    () => hasRoom(sink),
    () => wakerOf(sink),
  );
  try {
    for (;;) {
      const room = sink.capacity;
      if (room <= 0) {
        await context.untilAny([readiness]);
        continue;
      }
      const { value, done } = await stream.read({ count: Math.min(room, STEP_BYTES) });
      if (value !== undefined && value.length > 0) await put(context, readiness, sink, value);
      if (done === true) break;
    }
    await sink.flush();
    return null;
  } catch (error) {
    if (!(error instanceof StreamFailure)) throw error;
    return error;
  } finally {
    stream[DISPOSE]();
  }
}

/** Others may have written to the sink while the guest was waited for. */
async function put(context: Context, readiness: Watch, sink: ByteSink, bytes: Uint8Array): Promise<void> {
  const end = context.beginOutput();
  try {
    for (let at = 0; at < bytes.length; ) {
      const room = sink.capacity;
      if (room <= 0) {
        await context.untilAny([readiness]);
        continue;
      }
      sink.write(bytes.subarray(at, at + room));
      at += room;
    }
  } finally {
    end();
  }
}

function hasRoom(sink: ByteSink): boolean {
  try {
    return sink.capacity > 0;
  } catch {
    // The failure is told by the next write, to which a wait must only come.
    return true;
  }
}
