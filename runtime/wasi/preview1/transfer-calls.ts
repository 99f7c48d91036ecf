import { DISPOSE } from '../dispose.ts';
import { errnoOf, failWith } from './errno.ts';
import type { InputFile, OutputFile, RegularFile } from './file-table.ts';
import type { MemoryPiece } from './guest-memory.ts';
import type { ProcessState } from './process-state.ts';

/** Reading and writing: what a stream makes wait is a promise. */
export function transferCalls(state: ProcessState) {
  return {
    fd_read(fd: number, list: number, count: number, at: number): void | Promise<void> {
      const file = state.files.get(fd);
      if (file.kind === 'output' || file.kind === 'directory') return failWith('badf');
      const pieces = state.memory.pieces(list, count);
      if (file.kind === 'input') return readStream(state, file, pieces, at);
      const read = readFile(state, file, pieces, file.position);
      file.position += BigInt(read);
      state.memory.setU32(at, read);
    },
    fd_pread(fd: number, list: number, count: number, offset: bigint, at: number): void {
      const file = state.files.file(fd);
      const pieces = state.memory.pieces(list, count);
      state.memory.setU32(at, readFile(state, file, pieces, BigInt.asUintN(64, offset)));
    },
    fd_write(fd: number, list: number, count: number, at: number): void | Promise<void> {
      const file = state.files.get(fd);
      if (file.kind === 'input' || file.kind === 'directory') return failWith('badf');
      const pieces = state.memory.pieces(list, count);
      if (file.kind === 'output') return writeStream(state, file, pieces, at);
      const from = file.append ? file.descriptor.stat().size : file.position;
      const written = writeFile(state, file, pieces, from);
      file.position = from + BigInt(written);
      state.memory.setU32(at, written);
    },
    fd_pwrite(fd: number, list: number, count: number, offset: bigint, at: number): void {
      const file = state.files.file(fd);
      const pieces = state.memory.pieces(list, count);
      state.memory.setU32(at, writeFile(state, file, pieces, BigInt.asUintN(64, offset)));
    },
  };
}

/** Fills the pieces in order; fewer bytes at the end of the file. */
function readFile(state: ProcessState, file: RegularFile, pieces: readonly MemoryPiece[], offset: bigint): number {
  if (!file.descriptor.getFlags().read) failWith('badf');
  let read = 0;
  for (const { at, length } of pieces) {
    const [bytes] = file.descriptor.read(BigInt(length), offset + BigInt(read));
    state.memory.set(at, bytes);
    read += bytes.length;
    if (bytes.length < length) break;
  }
  return read;
}

/** Writes the pieces in order. What was written before a failure is told instead of the failure, as POSIX wants. */
function writeFile(state: ProcessState, file: RegularFile, pieces: readonly MemoryPiece[], offset: bigint): number {
  if (!file.descriptor.getFlags().write) failWith('badf');
  let written = 0;
  for (const { at, length } of pieces) {
    try {
      written += Number(file.descriptor.write(state.memory.bytes(at, length), offset + BigInt(written)));
    } catch (error) {
      errnoOf(error);
      if (written === 0) throw error;
      break;
    }
  }
  return written;
}

/** What has come goes into the first piece; waits when nothing has. */
function readStream(
  state: ProcessState,
  file: InputFile,
  pieces: readonly MemoryPiece[],
  at: number,
): void | Promise<void> {
  const [first] = pieces;
  const put = (bytes: Uint8Array): void => {
    if (first !== undefined) state.memory.set(first.at, bytes);
    state.memory.setU32(at, bytes.length);
  };
  if (first === undefined) return put(new Uint8Array(0));
  try {
    const bytes = file.stream.blockingRead(BigInt(first.length));
    return bytes instanceof Promise ? bytes.catch(endOfStream).then(put) : put(bytes);
  } catch (error) {
    put(endOfStream(error));
  }
}

/** The end of a stream is no error in WASI 0.1: nothing is read. */
function endOfStream(error: unknown): Uint8Array {
  if (typeof error === 'object' && error !== null && 'tag' in error && error.tag === 'closed') return new Uint8Array(0);
  throw error;
}

function writeStream(
  state: ProcessState,
  file: OutputFile,
  pieces: readonly MemoryPiece[],
  at: number,
): void | Promise<void> {
  const total = pieces.reduce((sum, { length }) => sum + length, 0);
  let index = 0;
  let done = 0;
  const next = (): void | Promise<void> => {
    for (;;) {
      const piece = pieces[index];
      if (piece === undefined) break;
      const room = Number(file.stream.checkWrite());
      if (room === 0) return untilWritable(file).then(next);
      const length = Math.min(room, piece.length - done);
      file.stream.write(state.memory.bytes(piece.at + done, length));
      done += length;
      if (done < piece.length) continue;
      index += 1;
      done = 0;
    }
    const flushed = total === 0 ? undefined : file.stream.blockingFlush();
    if (flushed !== undefined) return flushed.then(() => state.memory.setU32(at, total));
    state.memory.setU32(at, total);
  };
  return next();
}

async function untilWritable(file: OutputFile): Promise<void> {
  const pollable = file.stream.subscribe();
  try {
    await pollable.block();
  } finally {
    pollable[DISPOSE]();
  }
}
