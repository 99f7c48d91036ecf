import { open } from 'node:fs/promises';
import type { Content } from '../../../guest-sdk/client/index.ts';

/** A file as content. Whoever opens it closes it. */
export interface FileContent extends Content {
  close(): Promise<void>;
}

/** Opens a file, whose length is taken now. */
export async function openFileContent(path: string): Promise<FileContent> {
  const file = await open(path, 'r');
  const { size } = await file.stat();
  return {
    bytes: size,
    slice: async (start, end) => {
      const bytes = new Uint8Array(end - start);
      const { bytesRead } = await file.read(bytes, 0, bytes.length, start);
      // A file that became shorter has another digest, which its reader sees.
      return bytes.subarray(0, bytesRead);
    },
    close: () => file.close(),
  };
}
