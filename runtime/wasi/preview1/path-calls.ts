import { failWith } from './errno.ts';
import { FDFLAG, newTimes } from './file-calls.ts';
import type { ProcessState } from './process-state.ts';
import { RIGHT } from './rights.ts';
import { writeFilestat } from './stat-layout.ts';

const OFLAG = { create: 1, directory: 2, exclusive: 4, truncate: 8 } as const;
const FOLLOW = 1;

/** What is found, made, moved and removed by its path. */
export function pathCalls(state: ProcessState) {
  const directory = (fd: number) => state.files.directory(fd).descriptor;
  const path = (at: number, length: number) => state.memory.text(at, length);
  return {
    path_create_directory: (fd: number, at: number, length: number) =>
      directory(fd).createDirectoryAt(path(at, length)),
    path_filestat_get(fd: number, flags: number, at: number, length: number, statAt: number): void {
      const [descriptor, name, follow] = [directory(fd), path(at, length), lookup(flags)];
      const inode = descriptor.metadataHashAt(follow, name).lower;
      writeFilestat(state.memory, statAt, descriptor.statAt(follow, name), inode);
    },
    path_filestat_set_times(
      fd: number,
      flags: number,
      at: number,
      length: number,
      accessed: bigint,
      modified: bigint,
      fstflags: number,
    ): void {
      directory(fd).setTimesAt(lookup(flags), path(at, length), ...newTimes(accessed, modified, fstflags));
    },
    path_link(
      fd: number,
      flags: number,
      at: number,
      length: number,
      newFd: number,
      newAt: number,
      newLength: number,
    ): void {
      const [from, to] = [directory(fd), directory(newFd)];
      // Links are made to what is named, as POSIX leaves it to the system: following would need a race-free second look.
      if ((flags & FOLLOW) !== 0) failWith('inval');
      from.linkAt({}, path(at, length), to, path(newAt, newLength));
    },
    path_open(
      fd: number,
      flags: number,
      at: number,
      length: number,
      oflags: number,
      rights: bigint,
      _inheriting: bigint,
      fdflags: number,
      openedAt: number,
    ): void {
      const opened = directory(fd).openAt(
        lookup(flags),
        path(at, length),
        {
          create: (oflags & OFLAG.create) !== 0,
          directory: (oflags & OFLAG.directory) !== 0,
          exclusive: (oflags & OFLAG.exclusive) !== 0,
          truncate: (oflags & OFLAG.truncate) !== 0,
        },
        {
          read: (rights & RIGHT.read) !== 0n,
          write: (rights & RIGHT.write) !== 0n,
          fileIntegritySync: (fdflags & FDFLAG.sync) !== 0,
          dataIntegritySync: (fdflags & FDFLAG.dsync) !== 0,
          requestedWriteSync: (fdflags & FDFLAG.rsync) !== 0,
        },
      );
      const number = state.files.open(
        opened.getType() === 'directory'
          ? { kind: 'directory', descriptor: opened, preopen: null, listing: null }
          : {
              kind: 'file',
              descriptor: opened,
              position: 0n,
              append: (fdflags & FDFLAG.append) !== 0,
              nonblock: (fdflags & FDFLAG.nonblock) !== 0,
            },
      );
      state.memory.setU32(openedAt, number);
    },
    path_readlink(fd: number, at: number, length: number, room: number, roomLength: number, usedAt: number): void {
      const target = new TextEncoder().encode(directory(fd).readlinkAt(path(at, length)));
      const told = target.subarray(0, roomLength >>> 0);
      state.memory.set(room, told);
      state.memory.setU32(usedAt, told.length);
    },
    path_remove_directory: (fd: number, at: number, length: number) =>
      directory(fd).removeDirectoryAt(path(at, length)),
    path_rename: (fd: number, at: number, length: number, newFd: number, newAt: number, newLength: number) =>
      directory(fd).renameAt(path(at, length), directory(newFd), path(newAt, newLength)),
    path_symlink: (targetAt: number, targetLength: number, fd: number, at: number, length: number) =>
      directory(fd).symlinkAt(path(targetAt, targetLength), path(at, length)),
    path_unlink_file: (fd: number, at: number, length: number) => directory(fd).unlinkFileAt(path(at, length)),
  };
}

function lookup(flags: number): { readonly symlinkFollow: boolean } {
  return { symlinkFollow: (flags & FOLLOW) !== 0 };
}
