import { readSync, writeSync } from 'node:fs';
import { BulkSlots, bulkPart, decodeBulk, encodeBulk, SLOT_BYTES, WireError } from '../../agent/wire.ts';

/**
 * The host's side of the disk for large payloads. Synchronous, because the file is in memory: a slot is copied in a tenth of a
 * millisecond, and frames keep their order.
 */
export class BulkRing {
  readonly #fd: number;
  readonly #from: number;
  readonly #slots = new BulkSlots('host');
  /** Slots that were read and whose `freed` frames have not left: no honest agent names one. */
  readonly #unfreed = new Set<number>();

  /** `fd` is the machine's second disk, see `Machine.bulkFd`; `part` which part of it, see `bulkPart`. */
  constructor(fd: number, part: number) {
    this.#fd = fd;
    this.#from = bulkPart(part);
  }

  /** Puts a payload of at most `SLOT_BYTES` on the disk and gives what a `bulk` frame says of it; null when no slot is free, or no space. */
  place(bytes: Uint8Array): Uint8Array | null {
    if (bytes.length > SLOT_BYTES) return null;
    const slot = this.#slots.take();
    if (slot === null) return null;
    try {
      if (writeSync(this.#fd, bytes, 0, bytes.length, this.#from + slot * SLOT_BYTES) === bytes.length) {
        return encodeBulk(slot, bytes.length);
      }
    } catch {
      // No memory for the file: the slot stays taken, and payloads go by the port.
    }
    return null;
  }

  /**
   * The bytes that a `bulk` frame of the agent names, as a copy, and the slot to free. Each slot once until `freedLeft`: a frame of 20 bytes
   * that costs a copy of a slot could else hold up the event loop for as long as its sender likes.
   */
  fetch(payload: Uint8Array): { readonly bytes: Uint8Array; readonly slot: number } {
    const { slot, bytes } = decodeBulk(payload, 'agent');
    if (this.#unfreed.has(slot)) throw new WireError(`expected a slot that is free, got slot ${slot} again`);
    this.#unfreed.add(slot);
    const copy = new Uint8Array(bytes);
    if (this.#read(copy, this.#from + slot * SLOT_BYTES) !== bytes) throw new WireError('expected a slot that is full');
    return { bytes: copy, slot };
  }

  /** What fails here costs this machine: an error that nobody expects would end the host. */
  #read(into: Uint8Array, at: number): number {
    try {
      return readSync(this.#fd, into, 0, into.length, at);
    } catch (error) {
      throw new WireError(`expected a disk that can be read: ${(error as Error).message}`);
    }
  }

  /** The `freed` frames of all slots that were read are on their way. */
  freedLeft(): void {
    this.#unfreed.clear();
  }

  /** Takes back the slot that a `freed` frame names. */
  freed(payload: Uint8Array): void {
    this.#slots.free(payload);
  }
}
