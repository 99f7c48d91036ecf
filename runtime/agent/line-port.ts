import { writeSync } from 'node:fs';
import { Socket, type SocketConstructorOpts } from 'node:net';
import type { ChannelPort } from './channel-port.ts';
import type { OpenLine } from './worker-message.ts';

const READ_BYTES = 64 * 1024;

/**
 * A worker's end of its line, with as little of a stream as can be: a call costs one read into a buffer that stays, and one write.
 * `lost` hears of an end or an error. Of a line that is nobody's news: the serving thread ends the process when the host has gone.
 */
export function linePort(
  { fd, kind }: Pick<OpenLine, 'fd' | 'kind'>,
  lost: (reason: string) => void = () => undefined,
): ChannelPort {
  // A socket reads from the moment it is made, and a host may have written before.
  const early: Uint8Array[] = [];
  let take = (bytes: Uint8Array): void => void early.push(bytes);
  const options: SocketConstructorOpts = {
    ...{ readable: true, writable: true, allowHalfOpen: true },
    onread: {
      buffer: Buffer.allocUnsafeSlow(READ_BYTES),
      callback: (length, buffer) => {
        // A copy: frames keep views of what they came in.
        take(new Uint8Array(buffer.subarray(0, length)));
        return true;
      },
    },
  };
  const socket = new Socket(kind === 'socket' ? { ...options, fd } : withHandle(options, fd));
  socket.on('error', ({ message }) => lost(message)).on('end', () => lost('it has ended'));
  return {
    start: (given) => {
      take = given;
      for (const bytes of early.splice(0)) take(bytes);
      socket.resume();
    },
    write: (bytes) => {
      const written = socket.writableLength === 0 ? writeNow(fd, bytes) : 0;
      // A copy: the memory is its writer's.
      if (written < bytes.length) socket.write(new Uint8Array(bytes.subarray(written)));
    },
  };
}

/** Writes what fits, without the ways of a stream; gives how many bytes that were. */
function writeNow(fd: number, bytes: Uint8Array): number {
  try {
    return writeSync(fd, bytes);
  } catch {
    // It is full, and the stream waits for room; or it is broken, and the stream says so.
    return 0;
  }
}

/** What Node has inside of its sockets. Not typed, and old, but the only way to wait for a device without a thread of the pool. */
interface PipeBinding {
  readonly Pipe: new (type: number) => { open(fd: number): number | undefined };
  readonly constants: { readonly SOCKET: number };
}

/**
 * A virtio-serial port as a socket. `fs.read` would need a thread of the pool for each port, wake this one through it, and hold up the
 * end of the worker until bytes come.
 */
function withHandle(options: SocketConstructorOpts, fd: number): SocketConstructorOpts {
  const { binding } = process as unknown as { readonly binding: (name: 'pipe_wrap') => PipeBinding };
  const { Pipe, constants } = binding('pipe_wrap');
  const handle = new Pipe(constants.SOCKET);
  handle.open(fd);
  return { ...options, handle } as SocketConstructorOpts;
}
