import type { ContextSeat } from '../context.ts';
import { IoError } from '../io/error.ts';
import { pathFrom } from '../use-observer.ts';
import { Descriptor } from './descriptor.ts';
import { DirectoryEntryStream } from './directory-stream.ts';

/** The interfaces of `wasi:filesystem`. */
export function filesystemInterfaces(seat: ContextSeat) {
  return {
    'wasi:filesystem/types': {
      Descriptor,
      DirectoryEntryStream,
      filesystemErrorCode: IoError.filesystemErrorCode,
    },
    'wasi:filesystem/preopens': {
      getDirectories(): [Descriptor, string][] {
        const { context } = seat;
        const { files } = context.backend;
        return (files?.preopens ?? []).map(({ path, directory, writable }) => [
          new Descriptor(context, files!, directory, { read: true, mutateDirectory: writable }, pathFrom('/', path)),
          path,
        ]);
      },
    },
  };
}
