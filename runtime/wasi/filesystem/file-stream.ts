import { type ByteSink, type ByteSource, StreamFailure } from '../backend.ts';
import type { Datetime } from '../clocks/datetime.ts';
import { readContent } from './content.ts';
import type { FilesystemErrorCode } from './error-code.ts';
import type { FileTree } from './file-tree.ts';
import type { FileNode } from './node.ts';

const RESOLVED = Promise.resolve();
const WRITE_WINDOW_BYTES = 1024 * 1024;

/** The bytes of a file from an offset on; it ends where the file ends at that time. */
export function fileSource(tree: FileTree, file: FileNode, offset: bigint): ByteSource {
  let at = offset;
  tree.use(file);
  return {
    read(max) {
      const bytes = readContent(file, at, max);
      at += BigInt(bytes.length);
      return bytes.length === 0 ? null : bytes;
    },
    ready: true,
    wait: () => RESOLVED,
    close: () => tree.unuse(file),
  };
}

/** Writes into a file from an offset on, or always at its end when the offset is null. */
export function fileSink(tree: FileTree, file: FileNode, offset: bigint | null, now: () => Datetime): ByteSink {
  let at = offset;
  tree.use(file);
  return {
    capacity: WRITE_WINDOW_BYTES,
    write(bytes) {
      try {
        tree.write(file, at ?? BigInt(file.size), bytes, now());
      } catch (code) {
        if (typeof code !== 'string') throw code;
        throw new StreamFailure(`the file cannot be written: ${code}`, { filesystem: code as FilesystemErrorCode });
      }
      if (at !== null) at += BigInt(bytes.length);
    },
    wait: () => RESOLVED,
    flush: () => undefined,
    close: () => tree.unuse(file),
  };
}
