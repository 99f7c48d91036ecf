import type { Socket } from 'node:net';
import * as assert from 'uvu/assert';

/** A client of a block server, of few words: what QEMU says, and what it would not. */
export class NbdClient {
  readonly socket: Socket;
  readonly #chunks: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(socket: Socket) {
    this.socket = socket;
    this.#chunks = socket[Symbol.asyncIterator]();
  }

  async take(length: number): Promise<Buffer> {
    while (this.#rest.length < length) {
      const { value, done } = await this.#chunks.next();
      if (done === true) throw new Error('the server left');
      this.#rest = Buffer.concat([this.#rest, value]);
    }
    const bytes = this.#rest.subarray(0, length);
    this.#rest = this.#rest.subarray(length);
    return bytes;
  }

  option(option: number, data: Uint8Array = new Uint8Array(0)): void {
    const head = Buffer.alloc(16);
    head.write('IHAVEOPT', 0);
    head.writeUInt32BE(option, 8);
    head.writeUInt32BE(data.length, 12);
    this.socket.write(Buffer.concat([head, data]));
  }

  async optionReply(): Promise<{ option: number; type: number; data: Buffer }> {
    const head = await this.take(20);
    assert.is(head.readBigUInt64BE(0), 0x3e889045565a9n);
    const data = head.readUInt32BE(16);
    return {
      option: head.readUInt32BE(8),
      type: head.readUInt32BE(12),
      data: data === 0 ? Buffer.alloc(0) : await this.take(data),
    };
  }

  request(type: number, cookie: number, offset: bigint, length: number): void {
    this.socket.write(requestBytes(type, cookie, offset, length));
  }

  async reply(): Promise<{ error: number; cookie: number }> {
    const head = await this.take(16);
    assert.is(head.readUInt32BE(0), 0x67446698);
    return { error: head.readUInt32BE(4), cookie: Number(head.readBigUInt64BE(8)) };
  }

  /** Reads a part of the disk; one read at a time. */
  async read(offset: number, length: number): Promise<Buffer> {
    this.request(0, 1, BigInt(offset), length);
    const { error } = await this.reply();
    if (error !== 0) throw new Error(`error ${error} of the disk`);
    return this.take(length);
  }

  /** As QEMU does it: what is not known is asked for first. */
  async meet(diskBytes?: number): Promise<void> {
    const hello = await this.take(18);
    assert.is(hello.toString('latin1', 0, 16), 'NBDMAGICIHAVEOPT');
    this.socket.write(Buffer.from([0, 0, 0, 3]));
    this.option(8);
    assert.is((await this.optionReply()).type, 0x8000_0001);
    this.option(7, Buffer.from([0, 0, 0, 0, 0, 1, 0, 3]));
    const info = await this.optionReply();
    if (diskBytes !== undefined) assert.is(info.data.readBigUInt64BE(2), BigInt(diskBytes));
    assert.is(info.data.readUInt16BE(10), 3, 'it is read-only');
    assert.is((await this.optionReply()).data.readUInt32BE(10), 2 * 1024 * 1024);
    assert.is((await this.optionReply()).type, 1);
  }
}

/** A request as it is on the wire. */
export function requestBytes(type: number, cookie: number, offset: bigint, length: number): Buffer {
  const bytes = Buffer.alloc(28);
  bytes.writeUInt32BE(0x25609513, 0);
  bytes.writeUInt16BE(type, 6);
  bytes.writeBigUInt64BE(BigInt(cookie), 8);
  bytes.writeBigUInt64BE(offset, 16);
  bytes.writeUInt32BE(length, 24);
  return bytes;
}
