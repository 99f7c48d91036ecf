import type { DescriptorStat, DescriptorType } from '../filesystem/stat.ts';
import type { GuestMemory } from './guest-memory.ts';
import { nanosecondsOf } from './system-calls.ts';

/** Numbers of the kinds of files. */
export const FILETYPE = { unknown: 0, characterDevice: 2, directory: 3, regularFile: 4, symbolicLink: 7 } as const;

/** The number of a kind of WASI 0.2. */
export const FILETYPE_OF: Readonly<Record<DescriptorType, number>> = {
  directory: FILETYPE.directory,
  'regular-file': FILETYPE.regularFile,
  'symbolic-link': FILETYPE.symbolicLink,
};

/** All files are on one device. */
const DEVICE = 1n;

/** Bytes of a `filestat`. */
const FILESTAT_BYTES = 64;

/** Writes what is known of a file. */
export function writeFilestat(memory: GuestMemory, at: number, stat: DescriptorStat, inode: bigint): void {
  const start = at >>> 0;
  memory.bytes(start, FILESTAT_BYTES).fill(0);
  memory.setU64(start, DEVICE);
  memory.setU64(start + 8, inode);
  memory.setU8(start + 16, FILETYPE_OF[stat.type]);
  memory.setU64(start + 24, stat.linkCount);
  memory.setU64(start + 32, stat.size);
  memory.setU64(start + 40, nanosecondsOf(stat.dataAccessTimestamp));
  memory.setU64(start + 48, nanosecondsOf(stat.dataModificationTimestamp));
  memory.setU64(start + 56, nanosecondsOf(stat.statusChangeTimestamp));
}

/** Writes what is known of a standard stream: nothing but its kind. */
export function writeStreamStat(memory: GuestMemory, at: number): void {
  const start = at >>> 0;
  memory.bytes(start, FILESTAT_BYTES).fill(0);
  memory.setU8(start + 16, FILETYPE.characterDevice);
}
