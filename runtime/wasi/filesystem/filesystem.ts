import type { Context } from '../context.ts';
import { IoError } from '../io/error.ts';
import { Descriptor } from './descriptor.ts';
import { DirectoryEntryStream } from './directory-stream.ts';

/** The interfaces of `wasi:filesystem`. */
export function filesystemInterfaces(context: Context) {
  const { files } = context.backend;
  return {
    'wasi:filesystem/types': {
      Descriptor,
      DirectoryEntryStream,
      filesystemErrorCode: IoError.filesystemErrorCode,
    },
    'wasi:filesystem/preopens': {
      getDirectories(): [Descriptor, string][] {
        if (files === null) return [];
        const flags = { read: true, mutateDirectory: files.writable };
        return [[new Descriptor(context, files, files.root, flags), files.mount]];
      },
    },
  };
}
