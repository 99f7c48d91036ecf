import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs';
import { BodyRoom } from './body-room.ts';
import { BulkSlots, bulkPart, decodeBulk, encodeBulk, SLOT_BYTES } from './bulk-slots.ts';
import { HEADER_BYTES } from './wire.ts';

/** The unit of an unbuffered disk, bytes. */
const SECTOR = 512;

/** The agent's side of the disk for large payloads. */
export class BulkDisk {
  readonly #fd: number;
  readonly #from: number;
  readonly #slots = new BulkSlots('agent');
  /** What is on its way out comes together here, to be placed. */
  readonly room: BodyRoom;
  /** One slot's bytes that come in. It and the room are at addresses that unbuffered reads and writes accept. */
  readonly #staging: Uint8Array;

  private constructor(fd: number, part: number, [room, staging]: readonly [Buffer, Buffer]) {
    this.#fd = fd;
    this.#from = bulkPart(part);
    this.room = new BodyRoom(room);
    this.#staging = staging.subarray(HEADER_BYTES);
  }

  /** Opens a part of the disk, see `bulkPart`; null when there is none. Unbuffered: the host writes behind the kernel's back. */
  static open(device: string, part: number): BulkDisk | null {
    let fd: number;
    try {
      fd = openSync(device, constants.O_RDWR | constants.O_DIRECT);
    } catch {
      return null; // A process, or a machine without one: everything goes by the port.
    }
    const [room, staging] = [alignedMemory(fd), alignedMemory(fd)];
    if (room !== null && staging !== null) return new BulkDisk(fd, part, [room, staging]);
    closeSync(fd);
    return null;
  }

  /** Puts what is in the room on the disk and gives what a `bulk` frame says of it; null when no slot is free, or no space: then it stays in the room. */
  place(): Uint8Array | null {
    const slot = this.#slots.take();
    if (slot === null) return null;
    const { memory, length } = this.room;
    const whole = Math.ceil(length / SECTOR) * SECTOR;
    try {
      if (writeSync(this.#fd, memory, 0, whole, this.#from + slot * SLOT_BYTES) === whole) {
        this.room.clear();
        return encodeBulk(slot, length);
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
    // A `Buffer` gives no copy by its own `slice`.
    return { bytes: new Uint8Array(this.#staging.subarray(0, bytes)), slot };
  }

  /** Takes back the slot that a `freed` frame names. */
  freed(payload: Uint8Array): void {
    this.#slots.free(payload);
  }
}

/** Memory for a frame whose payload is aligned. V8 does not say where a buffer lies: an unbuffered read of a whole slot says whether an offset will do. */
function alignedMemory(fd: number): Buffer | null {
  const raw = Buffer.allocUnsafeSlow(SLOT_BYTES + 3 * 4096);
  for (let offset = SECTOR; offset < SECTOR + 4096; offset += 16) {
    try {
      readSync(fd, raw, offset, SLOT_BYTES, 0);
      return raw.subarray(offset - HEADER_BYTES, offset + SLOT_BYTES);
    } catch {
      // Not aligned.
    }
  }
  return null;
}
