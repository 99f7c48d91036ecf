import { type FileHandle, open, rm } from 'node:fs/promises';
import { CloudletError, type Digest } from '../../../guest-sdk/protocol/index.ts';
import type { PartSource } from '../deployment/rung.ts';
import { MAX_MANIFEST_BYTES, type ReadManifest, readOverlayManifest } from './overlay-manifest.ts';

/** First bytes of an overlay as a file; then the length of the manifest (32 bits), the manifest, and the segments in its order. */
const MAGIC = Buffer.from('cloudlet-overlay', 'latin1');

/** Bytes before the manifest. */
export const HEAD_BYTES = MAGIC.length + 4;
const COPY_BYTES = 1024 * 1024;

/** An overlay in a file. Whoever opens it closes it. */
export interface OverlayFile extends PartSource {
  readonly overlay: ReadManifest;
  /** The manifest as it is in the file: its digest names the overlay. */
  readonly text: string;
  /** Bytes of all segments together. */
  readonly bytes: number;
  close(): Promise<void>;
}

/**
 * Writes an overlay as one file: its manifest, and the segments that lie one behind the other in `segments`, behind its first `skip` bytes. The file must not
 * exist; nothing is left of it when this fails.
 */
export async function writeOverlayFile(
  path: string,
  text: string,
  segments: string,
  signal?: AbortSignal,
  skip = 0,
): Promise<void> {
  const manifest = Buffer.from(text, 'utf8');
  const head = Buffer.alloc(HEAD_BYTES);
  head.set(MAGIC);
  head.writeUInt32LE(manifest.length, MAGIC.length);
  const from = await open(segments, 'r');
  try {
    const to = await open(path, 'wx', 0o600);
    try {
      await to.writeFile(head);
      await to.writeFile(manifest);
      const buffer = Buffer.allocUnsafe(COPY_BYTES);
      for (let read = -1, at = skip; read !== 0; at += read) {
        signal?.throwIfAborted();
        read = (await from.read(buffer, 0, buffer.length, at)).bytesRead;
        await to.writeFile(buffer.subarray(0, read));
      }
      await to.sync();
    } catch (error) {
      await rm(path, { force: true });
      throw error;
    } finally {
      await to.close();
    }
  } finally {
    await from.close();
  }
}

/** Opens an overlay file. `overlay-refused` says what is wrong with it; the segments are verified by whoever uses them. */
export async function openOverlayFile(path: string): Promise<OverlayFile> {
  const file = await open(path, 'r').catch((error: Error) => {
    throw new CloudletError('not-found', `the overlay cannot be opened: ${error.message}`, { cause: error });
  });
  try {
    const { text, length } = await readManifestText(file, path);
    const overlay = readOverlayManifest(text);
    const places = new Map<Digest, { readonly at: number; readonly bytes: number }>();
    let at = HEAD_BYTES + length;
    for (const { digest, bytes } of overlay.manifest.segments) {
      places.set(digest, { at, bytes });
      at += bytes;
    }
    const { size } = await file.stat();
    if (size !== at) throw refused(path, `expected ${at} bytes, it has ${size}: it is torn, or more than an overlay`);
    return {
      ...{ overlay, text, bytes: at - HEAD_BYTES - length },
      close: () => file.close(),
      async get(part, signal) {
        signal?.throwIfAborted();
        const place = places.get(part);
        if (place === undefined) throw new CloudletError('not-found', `there is no segment ${part} in ${path}`);
        const bytes = Buffer.alloc(place.bytes);
        await file.read(bytes, 0, place.bytes, place.at);
        return bytes;
      },
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** How long the manifest is behind the first bytes of what is at `path`; `overlay-refused` when they are none of an overlay. */
export function manifestBytes(head: Buffer, path: string): number {
  if (head.length < HEAD_BYTES || !head.subarray(0, MAGIC.length).equals(MAGIC))
    throw refused(path, 'it does not begin as one');
  const length = head.readUInt32LE(MAGIC.length);
  if (length > MAX_MANIFEST_BYTES)
    throw refused(path, `its manifest has ${length} bytes, expected at most ${MAX_MANIFEST_BYTES}`);
  return length;
}

async function readManifestText(file: FileHandle, path: string): Promise<{ text: string; length: number }> {
  const head = Buffer.alloc(HEAD_BYTES);
  const { bytesRead } = await file.read(head, 0, HEAD_BYTES, 0);
  const length = manifestBytes(head.subarray(0, bytesRead), path);
  const bytes = Buffer.alloc(length);
  const read = await file.read(bytes, 0, length, HEAD_BYTES);
  if (read.bytesRead < length) throw refused(path, 'it is torn in its manifest');
  return { text: bytes.toString('utf8'), length };
}

function refused(path: string, why: string): CloudletError {
  return new CloudletError(
    'overlay-refused',
    `${path} is no overlay that can be used: ${why}; make it again: npx cloudlet vm overlay create`,
  );
}
