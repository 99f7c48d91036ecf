import { WireError } from './wire-error.ts';

/**
 * Size of a slot of a machine's second disk, bytes. The disk carries large payloads, because the serial port carries 40 MB/s at best and
 * the disk more than a thousand. A sender owns its slots: it fills a free one, says so in a `bulk` frame, and has it back with the `freed`
 * frame that answers. Without a free one it sends a `body` frame.
 */
export const SLOT_BYTES = 256 * 1024;

/** Slots of each sender in one part: the first are the host's, the others the agent's. As many as an invocation has credit for. */
export const SLOTS = 4;

/** Size of a part of the disk, bytes; the channel and each line have one (`bulkDiskBytes` of `runtime/machine`). */
export const BULK_BYTES = 2 * SLOTS * SLOT_BYTES;

/** Where the part of the channel, 0, or of a line, counted from 1, begins on the disk, bytes. */
export function bulkPart(part: number): number {
  return part * BULK_BYTES;
}

/** Shorter payloads are faster by the serial port, bytes. */
export const BULK_FROM_BYTES = 16 * 1024;

/** Who fills a slot. */
export type BulkSender = 'host' | 'agent';

/** Payload of a `bulk` frame: u32le slot | u32le bytes in it. */
export function encodeBulk(slot: number, bytes: number): Uint8Array {
  const payload = new Uint8Array(8);
  const view = new DataView(payload.buffer);
  view.setUint32(0, slot, true);
  view.setUint32(4, bytes, true);
  return payload;
}

/** Payload of a `freed` frame: u32le slot. */
export function encodeFreed(slot: number): Uint8Array {
  const payload = new Uint8Array(4);
  new DataView(payload.buffer).setUint32(0, slot, true);
  return payload;
}

/** Reads a `bulk` payload. `WireError` when it names no slot of `sender`, or more bytes than one has. */
export function decodeBulk(payload: Uint8Array, sender: BulkSender): { readonly slot: number; readonly bytes: number } {
  if (payload.length !== 8) throw new WireError(`expected 8 bytes in a bulk frame, got ${payload.length}`);
  const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
  const slot = view.getUint32(0, true);
  const bytes = view.getUint32(4, true);
  const first = firstSlot(sender);
  if (slot < first || slot >= first + SLOTS || bytes === 0 || bytes > SLOT_BYTES) {
    throw new WireError(
      `expected a slot of the ${sender} and at most ${SLOT_BYTES} bytes, got slot ${slot} and ${bytes} bytes`,
    );
  }
  return { slot, bytes };
}

/** Which slots of a sender are free. */
export class BulkSlots {
  readonly #free: number[];
  readonly #taken = new Set<number>();

  constructor(sender: BulkSender) {
    const first = firstSlot(sender);
    this.#free = Array.from({ length: SLOTS }, (_, at) => first + at);
  }

  /** Takes a free slot; null when there is none. */
  take(): number | null {
    const slot = this.#free.pop();
    if (slot === undefined) return null;
    this.#taken.add(slot);
    return slot;
  }

  /** Takes back what a `freed` payload names. `WireError` when that was not taken. */
  free(payload: Uint8Array): void {
    const slot = payload.length === 4 ? new DataView(payload.buffer, payload.byteOffset, 4).getUint32(0, true) : -1;
    if (!this.#taken.delete(slot)) throw new WireError('expected a freed frame of a slot that is taken');
    this.#free.push(slot);
  }
}

function firstSlot(sender: BulkSender): number {
  return sender === 'host' ? 0 : SLOTS;
}
