// Files that were granted, read as a whole.
import { mark, takeNumbers, takeString, unwind } from './memory';
import { Gathered, textOf, utf8 } from './streams';

@external("wasi:filesystem/preopens@0.2.12", "get-directories")
declare function getDirectories(area: usize): void;
@external("wasi:filesystem/types@0.2.12", "[method]descriptor.open-at")
declare function openAt(at: u32, follow: u32, path: usize, size: i32, open: u32, flags: u32, area: usize): void;
@external("wasi:filesystem/types@0.2.12", "[method]descriptor.read")
declare function readAt(file: u32, length: u64, offset: u64, area: usize): void;
@external("wasi:filesystem/types@0.2.12", "[resource-drop]descriptor")
declare function dropDescriptor(file: u32): void;

const area = memory.data(32, 8);
const FOLLOW: u32 = 1;
const READ: u32 = 1;
const PIECE_BYTES: u64 = 1 << 20;

/** The bytes of a file by its absolute path; null when it is not there, or not granted. */
export function readFile(path: string): Uint8Array | null {
  const file = open(path);
  if (file == u32.MAX_VALUE) return null;
  const all = new Gathered();
  let found = true;
  for (let ended = false; found && !ended; ) {
    const before = mark();
    readAt(file, PIECE_BYTES, all.length, area);
    found = load<u8>(area) == 0;
    if (found) {
      all.add(takeNumbers<Uint8Array>(load<u32>(area, 4), load<u32>(area, 8), 1));
      ended = load<u8>(area, 12) != 0 || load<u32>(area, 8) == 0;
    }
    unwind(before);
  }
  dropDescriptor(file);
  return found ? all.bytes : null;
}

/** The same as UTF-8. */
export function readText(path: string): string | null {
  const bytes = readFile(path);
  return bytes === null ? null : textOf(bytes);
}

/** Opens a file below the granted directory that is nearest to it. */
function open(path: string): u32 {
  const before = mark();
  getDirectories(area);
  const start = <usize>load<u32>(area), count = load<u32>(area, 4);
  let best: u32 = u32.MAX_VALUE;
  let rest = '';
  let longest = -1;
  for (let at: usize = 0; at < count; at++) {
    const entry = start + at * 12;
    const name = takeString(load<u32>(entry, 4), load<u32>(entry, 8));
    const root = name.endsWith('/') ? name : name + '/';
    if (path.startsWith(root) && root.length > longest) {
      if (best != u32.MAX_VALUE) dropDescriptor(best);
      best = load<u32>(entry);
      rest = path.substring(root.length);
      longest = root.length;
    } else dropDescriptor(load<u32>(entry));
  }
  unwind(before);
  if (best == u32.MAX_VALUE) return best;
  const bytes = utf8(rest);
  openAt(best, FOLLOW, bytes.dataStart, bytes.length, 0, READ, area);
  dropDescriptor(best);
  return load<u8>(area) == 0 ? load<u32>(area, 4) : u32.MAX_VALUE;
}
