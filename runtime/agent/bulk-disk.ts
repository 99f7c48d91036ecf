import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs';
import { BulkSlots, bulkPart, decodeBulk, encodeBulk, SLOT_BYTES } from './bulk-slots.ts';

/** The unit of an unbuffered disk, bytes. */
const SECTOR = 512;

/** The agent's side of the disk for large payloads. */
export class BulkDisk {
  readonly #fd: number;
  readonly #from: number;
  readonly #slots = new BulkSlots('agent');
  /** One slot's bytes at an address that unbuffered reads and writes accept. */
  readonly #staging: Uint8Array;

  private constructor(fd: number, part: number, staging: Uint8Array) {
    this.#fd = fd;
    this.#from = bulkPart(part);
    this.#staging = staging;
  }

  /** Opens a part of the disk, see `bulkPart`; null when there is none. Unbuffered: the host writes behind the kernel's back. */
  static open(device: string, part: number): BulkDisk | null {
    let fd: number;
    try {
      fd = openSync(device, constants.O_RDWR | constants.O_DIRECT);
    } catch {
      return null; // A process, or a machine without one: everything goes by the port.
    }
    const staging = alignedStaging(fd);
    if (staging !== null) return new BulkDisk(fd, part, staging);
    closeSync(fd);
    return null;
  }

  /** Puts a payload on the disk and gives what a `bulk` frame says of it; null when no slot is free, or no space. */
  place(bytes: Uint8Array): Uint8Array | null {
    const slot = this.#slots.take();
    if (slot === null) return null;
    this.#staging.set(bytes);
    const whole = Math.ceil(bytes.length / SECTOR) * SECTOR;
    try {
      if (writeSync(this.#fd, this.#staging, 0, whole, this.#from + slot * SLOT_BYTES) === whole) {
        return encodeBulk(slot, bytes.length);
      }
    } catch {
      // The host's memory for the file is used up: the slot stays taken, and payloads go by the port.
    }
    return null;
  }

  /** The bytes that a `bulk` frame of the host names, as a copy, and the slot to free. */
  fetch(payload: Uint8Array): { readonly bytes: Uint8Array; readonly slot: number } {
    const { slot, bytes } = decodeBulk(payload, 'host');
    const whole = Math.ceil(bytes / SECTOR) * SECTOR;
    readSync(this.#fd, this.#staging, 0, whole, this.#from + slot * SLOT_BYTES);
    return { bytes: this.#staging.slice(0, bytes), slot };
  }

  /** Takes back the slot that a `freed` frame names. */
  freed(payload: Uint8Array): void {
    this.#slots.free(payload);
  }
}

/** V8 does not say where a buffer lies: an unbuffered read says whether an offset will do. */
function alignedStaging(fd: number): Uint8Array | null {
  const raw = Buffer.allocUnsafeSlow(SLOT_BYTES + 2 * 4096);
  for (let offset = 0; offset < 4096; offset += 16) {
    try {
      readSync(fd, raw, offset, SECTOR, 0);
      return new Uint8Array(raw.buffer, raw.byteOffset + offset, SLOT_BYTES);
    } catch {
      // Not aligned.
    }
  }
  return null;
}
