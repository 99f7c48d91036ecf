import type { ContextSeat } from '../../context.ts';
import { filesystemInterfaces } from '../../filesystem/filesystem.ts';
import { Descriptor3 } from './descriptor.ts';

/** The interfaces of `wasi:filesystem` in WASI 0.3. */
export function filesystemInterfaces3(seat: ContextSeat) {
  const { getDirectories } = filesystemInterfaces(seat)['wasi:filesystem/preopens'];
  return {
    'wasi:filesystem/types@0.3': { Descriptor: Descriptor3 },
    'wasi:filesystem/preopens@0.3': {
      getDirectories: (): [Descriptor3, string][] =>
        getDirectories().map(([descriptor, path]) => [new Descriptor3(seat.context, descriptor), path]),
    },
  };
}
