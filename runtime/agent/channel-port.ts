import { openSync, readdirSync, readFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { linePort } from './line-port.ts';

/** The agent's end of the channel, or of a worker's line, as bytes. */
export interface ChannelPort {
  /** Gives every byte that comes to `take`, from now on. */
  start(take: (bytes: Uint8Array) => void): void;
  /** Sends bytes in order. Never blocks; what waits is bounded by the credit of the bodies. That of a line keeps nothing that it was given. */
  write(bytes: Uint8Array): void;
}

/** Where the kernel names the ports of virtio-serial. */
const PORTS_FOLDER = '/sys/class/virtio-ports';

/** Most bytes joined for one write: a write costs the guest a thread hop and an exit to QEMU, whatever its size. */
const WRITE_BYTES = 256 * 1024;

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

/** The channel over the virtio-serial port of this name: as a worker has its line, without a thread of the pool for each read and write. */
export function virtioPort(name: string): ChannelPort {
  return linePort({ fd: openSync(deviceOf(name), 'r+'), kind: 'port' }, fail);
}

function deviceOf(name: string): string {
  for (const port of readdirSync(PORTS_FOLDER)) {
    if (readFileSync(`${PORTS_FOLDER}/${port}/name`, 'utf8').trim() === name) return `/dev/${port}`;
  }
  throw new Error(`expected a virtio-serial port named ${name} under ${PORTS_FOLDER}, got none`);
}

/** Without its channel an agent is of no use: it ends, and with it the machine. */
function fail(reason: string): never {
  process.stderr.write(`agent: the channel failed: ${reason}\n`);
  process.exit(1);
}
