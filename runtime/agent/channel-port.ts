import { open, openSync, read, readdirSync, readFileSync, write } from 'node:fs';
import { Socket } from 'node:net';

/** The agent's end of the channel, or of a worker's line, as bytes. */
export interface ChannelPort {
  /** Gives every byte that comes to `take`, from now on. */
  start(take: (bytes: Uint8Array) => void): void;
  /** Sends bytes in order. Never blocks; what waits is bounded by the credit of the bodies. That of a line keeps nothing that it was given. */
  write(bytes: Uint8Array): void;
}

/** Where the kernel names the ports of virtio-serial. */
const PORTS_FOLDER = '/sys/class/virtio-ports';

const READ_BYTES = 64 * 1024;

/** Most bytes joined for one write: a write costs the guest a thread hop and an exit to QEMU, whatever its size. */
const WRITE_BYTES = 256 * 1024;

/** How long to wait at the end of the file, which only means that nobody is connected to the port just now, milliseconds. */
const RECONNECT_MS = 5;

/** The channel over an inherited socket. Its end is the end of the host, and so of this process. */
export function socketPort(fd: number): ChannelPort {
  const socket = new Socket({ fd, readable: true, writable: true });
  const leave = () => process.exit(0);
  socket.on('end', leave).on('close', leave).on('error', leave);
  return { start: (take) => void socket.on('data', take), write: joined((bytes) => void socket.write(bytes)) };
}

/** Writes what comes within one round of the event loop, from all workers, with one system call. */
function joined(write: (bytes: Uint8Array) => void): (bytes: Uint8Array) => void {
  let waiting: Uint8Array[] = [];
  let size = 0;
  const flush = () => {
    if (size === 0) return;
    const bytes = waiting.length === 1 ? waiting[0]! : Buffer.concat(waiting, size);
    waiting = [];
    size = 0;
    write(bytes);
  };
  return (bytes) => {
    if (size === 0) setImmediate(flush);
    waiting.push(bytes);
    size += bytes.length;
    if (size > WRITE_BYTES) flush();
  };
}

/** Opens the virtio-serial port that is so many places behind the one of this name. The descriptor is whoever's it is given to. */
export function openPortBehind(name: string, places: number): number {
  const [, controller, place] = /^(.*p)(\d+)$/.exec(deviceOf(name))!;
  return openSync(`${controller}${Number(place) + places}`, 'r+');
}

/** The channel over the virtio-serial port of this name. */
export async function virtioPort(name: string): Promise<ChannelPort> {
  const fd = await openDevice(deviceOf(name));
  return {
    start: (take) => readForEver(fd, take),
    write: writeQueue(fd),
  };
}

function deviceOf(name: string): string {
  for (const port of readdirSync(PORTS_FOLDER)) {
    if (readFileSync(`${PORTS_FOLDER}/${port}/name`, 'utf8').trim() === name) return `/dev/${port}`;
  }
  throw new Error(`expected a virtio-serial port named ${name} under ${PORTS_FOLDER}, got none`);
}

function openDevice(path: string): Promise<number> {
  return new Promise((resolve, reject) => {
    open(path, 'r+', (error, fd) => (error === null ? resolve(fd) : reject(error)));
  });
}

/**
 * `fs.read` again and again: a stream would end at the first end of file, and after a restore from a snapshot the port shows one
 * until the host has connected.
 */
function readForEver(fd: number, take: (bytes: Uint8Array) => void): void {
  const next = () => {
    const buffer = Buffer.allocUnsafeSlow(READ_BYTES);
    read(fd, buffer, 0, buffer.length, null, (error, length) => {
      if (error !== null) return fail('reading from', error);
      if (length === 0) return void setTimeout(next, RECONNECT_MS);
      // A copy when the read was short: frames keep views of what they came in.
      take(length === buffer.length ? buffer : Buffer.from(buffer.subarray(0, length)));
      next();
    });
  };
  next();
}

function writeQueue(fd: number): (bytes: Uint8Array) => void {
  let waiting: Uint8Array[] = [];
  let writing = false;
  const pump = () => {
    if (waiting.length === 0) {
      writing = false;
      return;
    }
    writing = true;
    let count = 0;
    for (let size = 0; count < waiting.length; count += 1) {
      size += waiting[count]!.length;
      if (size > WRITE_BYTES && count > 0) break;
    }
    const joined = count === 1 ? waiting[0]! : Buffer.concat(waiting.slice(0, count));
    waiting = waiting.slice(count);
    writeAll(fd, joined, 0, pump);
  };
  return (bytes) => {
    waiting.push(bytes);
    if (writing) return;
    writing = true;
    // At the end of this turn, so that frames made together leave together.
    process.nextTick(pump);
  };
}

function writeAll(fd: number, bytes: Uint8Array, from: number, then: () => void): void {
  write(fd, bytes, from, bytes.length - from, null, (error, length) => {
    if (error !== null) return fail('writing to', error);
    if (from + length < bytes.length) writeAll(fd, bytes, from + length, then);
    else then();
  });
}

/** Without its channel an agent is of no use: it ends, and with it the machine. */
function fail(doing: string, error: Error): never {
  process.stderr.write(`agent: ${doing} the channel failed: ${error.message}\n`);
  process.exit(1);
}
