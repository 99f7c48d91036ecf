import type { NewTimestamp } from '../filesystem/stat.ts';
import { DirectoryListing } from './directory-listing.ts';
import { failWith } from './errno.ts';
import type { ProcessState } from './process-state.ts';
import { DIRECTORY_RIGHTS, FILE_RIGHTS, RIGHT } from './rights.ts';
import { FILETYPE, FILETYPE_OF, writeFilestat, writeStreamStat } from './stat-layout.ts';
import { datetimeOfNanoseconds } from './system-calls.ts';

/** `fdflags`. */
export const FDFLAG = { append: 1, dsync: 2, nonblock: 4, rsync: 8, sync: 16 } as const;

const WHENCE = { set: 0, current: 1, end: 2 } as const;
const ADVICES = 6;
const MAX_OFFSET = (1n << 63n) - 1n;
const FDSTAT_BYTES = 24;
const DIRENT_BYTES = 24;

const encoder = new TextEncoder();

/** What is known of open files and changed in them, other than their bytes. */
export function fileCalls(state: ProcessState) {
  return {
    fd_advise(fd: number, _offset: bigint, _length: bigint, advice: number): void {
      const file = state.files.file(fd);
      if (advice >>> 0 >= ADVICES) failWith('inval');
      file.descriptor.advise();
    },
    fd_allocate(fd: number, offset: bigint, length: bigint): void {
      const { descriptor } = state.files.file(fd);
      const end = BigInt.asUintN(64, offset) + BigInt.asUintN(64, length);
      if (length === 0n) failWith('inval');
      if (end > MAX_OFFSET) failWith('fbig');
      if (end > descriptor.stat().size) descriptor.setSize(end);
    },
    fd_close: (fd: number) => state.files.close(fd),
    fd_datasync: (fd: number) => state.files.described(fd).descriptor.syncData(),
    fd_sync: (fd: number) => state.files.described(fd).descriptor.sync(),
    fd_fdstat_get(fd: number, at: number): void {
      const { type, flags, rights, inheriting = rights } = statusOf(state, fd);
      const start = at >>> 0;
      state.memory.bytes(start, FDSTAT_BYTES).fill(0);
      state.memory.setU8(start, type);
      state.memory.setU16(start + 2, flags);
      state.memory.setU64(start + 8, rights);
      state.memory.setU64(start + 16, inheriting);
    },
    fd_fdstat_set_flags(fd: number, flags: number): void {
      if ((flags & ~(FDFLAG.nonblock | FDFLAG.append)) !== 0) failWith('inval');
      const file = state.files.file(fd);
      file.append = (flags & FDFLAG.append) !== 0;
      file.nonblock = (flags & FDFLAG.nonblock) !== 0;
    },
    fd_fdstat_set_rights: (fd: number) => {
      state.files.get(fd);
      // Nothing asks for rights any more: what a file may be used for was decided when it was opened.
      failWith('notsup');
    },
    fd_filestat_get(fd: number, at: number): void {
      const file = state.files.get(fd);
      if (file.kind === 'input' || file.kind === 'output') writeStreamStat(state.memory, at);
      else writeFilestat(state.memory, at, file.descriptor.stat(), file.descriptor.metadataHash().lower);
    },
    fd_filestat_set_size: (fd: number, size: bigint) =>
      state.files.file(fd).descriptor.setSize(BigInt.asUintN(64, size)),
    fd_filestat_set_times(fd: number, accessed: bigint, modified: bigint, flags: number): void {
      const { descriptor } = state.files.described(fd);
      descriptor.setTimes(...newTimes(accessed, modified, flags));
    },
    fd_prestat_get(fd: number, at: number): void {
      const name = preopenName(state, fd) ?? failWith('badf');
      state.memory.setU32(at, 0);
      state.memory.setU32((at >>> 0) + 4, name.length);
    },
    fd_prestat_dir_name(fd: number, at: number, length: number): void {
      const name = preopenName(state, fd) ?? failWith('notdir');
      if (name.length > length >>> 0) failWith('nametoolong');
      state.memory.set(at, name);
    },
    fd_readdir(fd: number, at: number, length: number, cookie: bigint, usedAt: number): void {
      const directory = state.files.directory(fd);
      directory.listing ??= new DirectoryListing(directory.descriptor);
      const room = state.memory.bytes(at, length);
      let used = 0;
      let place = BigInt.asUintN(64, cookie);
      for (;;) {
        const entry = used < room.length ? directory.listing.at(place) : null;
        if (entry === null) break;
        place += 1n;
        const name = encoder.encode(entry.name);
        const bytes = new Uint8Array(DIRENT_BYTES + name.length);
        const view = new DataView(bytes.buffer);
        view.setBigUint64(0, place, true);
        view.setBigUint64(8, entry.inode, true);
        view.setUint32(16, name.length, true);
        view.setUint8(20, FILETYPE_OF[entry.type]);
        bytes.set(name, DIRENT_BYTES);
        // The last one may be cut: a full buffer tells the guest to come again.
        room.set(bytes.subarray(0, room.length - used), used);
        used = Math.min(room.length, used + bytes.length);
      }
      state.memory.setU32(usedAt, used);
    },
    fd_renumber: (from: number, to: number) => state.files.renumber(from, to),
    fd_seek(fd: number, offset: bigint, whence: number, at: number): void {
      const file = state.files.file(fd);
      const from = originOf(whence, file.position, () => file.descriptor.stat().size);
      const to = from + offset;
      if (to < 0n || to > MAX_OFFSET) failWith('inval');
      state.memory.setU64(at, to);
      file.position = to;
    },
    fd_tell: (fd: number, at: number) => state.memory.setU64(at, state.files.file(fd).position),
    sock_accept: (fd: number) => noSocket(state, fd),
    sock_recv: (fd: number) => noSocket(state, fd),
    sock_send: (fd: number) => noSocket(state, fd),
    sock_shutdown: (fd: number) => noSocket(state, fd),
  };
}

/** The path under which the guest was given a directory; null for anything else that is open. */
function preopenName(state: ProcessState, fd: number): Uint8Array | null {
  const file = state.files.get(fd);
  return file.kind === 'directory' && file.preopen !== null ? encoder.encode(file.preopen) : null;
}

/** What `fd_fdstat_get` tells. */
interface FileStatus {
  readonly type: number;
  readonly flags: number;
  readonly rights: bigint;
  /** Of what is opened from it; those of its own when left out. */
  readonly inheriting?: bigint;
}

/** The times that `fstflags` ask for: 1 and 4 say a time, 2 and 8 say now, neither leaves it. */
export function newTimes(accessed: bigint, modified: bigint, flags: number): [NewTimestamp, NewTimestamp] {
  if ((flags & ~15) !== 0) failWith('inval');
  return [newTime(accessed, flags & 3), newTime(modified, (flags >> 2) & 3)];
}

function newTime(ns: bigint, flags: number): NewTimestamp {
  switch (flags) {
    case 0:
      return { tag: 'no-change' };
    case 1:
      return { tag: 'timestamp', val: datetimeOfNanoseconds(BigInt.asUintN(64, ns)) };
    case 2:
      return { tag: 'now' };
    default:
      return failWith('inval');
  }
}

function statusOf(state: ProcessState, fd: number): FileStatus {
  const file = state.files.get(fd);
  switch (file.kind) {
    case 'input':
      return { type: FILETYPE.characterDevice, flags: 0, rights: RIGHT.read };
    case 'output':
      return { type: FILETYPE.characterDevice, flags: 0, rights: RIGHT.write };
    case 'directory':
      return {
        type: FILETYPE.directory,
        flags: 0,
        rights: DIRECTORY_RIGHTS,
        inheriting: DIRECTORY_RIGHTS | FILE_RIGHTS,
      };
    case 'file': {
      const may = file.descriptor.getFlags();
      let rights = FILE_RIGHTS;
      if (!may.read) rights &= ~RIGHT.read;
      if (!may.write) rights &= ~RIGHT.write;
      let flags = 0;
      if (may.dataIntegritySync) flags |= FDFLAG.dsync;
      if (may.requestedWriteSync) flags |= FDFLAG.rsync;
      if (may.fileIntegritySync) flags |= FDFLAG.sync;
      if (file.append) flags |= FDFLAG.append;
      if (file.nonblock) flags |= FDFLAG.nonblock;
      return { type: FILETYPE_OF[file.descriptor.getType()], flags, rights };
    }
    default:
      return file satisfies never;
  }
}

function originOf(whence: number, position: bigint, size: () => bigint): bigint {
  switch (whence) {
    case WHENCE.set:
      return 0n;
    case WHENCE.current:
      return position;
    case WHENCE.end:
      return size();
    default:
      return failWith('inval');
  }
}

function noSocket(state: ProcessState, fd: number): never {
  state.files.get(fd);
  return failWith('notsock');
}
