import { open, stat } from 'node:fs/promises';

/** Longest document that a person writes, in bytes: far more than a `cloudlet.json` may say, and room for cases with bodies. */
const MAX_DOCUMENT_BYTES = 16 * 1024 * 1024;

/**
 * Reads a document that a person wrote, such as `cloudlet.json`, without a byte order mark. What a link leads to may be a pipe that nobody writes to, or a device
 * without an end: such are refused, and so are folders and long files. The error's message ends a sentence: "which …".
 */
export async function readDocument(path: string): Promise<string> {
  const found = await stat(path).catch(refused);
  if (found.isDirectory()) throw new Error('which is a folder');
  if (!found.isFile()) throw new Error('which is a device, pipe or socket');
  const file = await open(path, 'r').catch(refused);
  try {
    // One byte more tells of a file that is longer, also of one that grew.
    const buffer = Buffer.alloc(Math.min(found.size, MAX_DOCUMENT_BYTES) + 1);
    let length = 0;
    for (;;) {
      const { bytesRead } = await file.read(buffer, length, buffer.length - length);
      length += bytesRead;
      if (bytesRead === 0 || length === buffer.length) break;
    }
    if (length > MAX_DOCUMENT_BYTES) throw new Error(`which is longer than ${MAX_DOCUMENT_BYTES} bytes`);
    return buffer.toString('utf8', 0, length).replace(/^\uFEFF/, '');
  } finally {
    await file.close();
  }
}

/** Whether a document could not be read because there is none. */
export function isAbsent(error: unknown): boolean {
  return error instanceof Error && (error.cause as NodeJS.ErrnoException | undefined)?.code === 'ENOENT';
}

function refused(error: NodeJS.ErrnoException): never {
  throw new Error(`which cannot be read (${error.code})`, { cause: error });
}
