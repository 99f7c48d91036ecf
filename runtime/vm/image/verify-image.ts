import { readFile, stat } from 'node:fs/promises';
import * as v from 'valibot';
import { fileStamp, sparseDigest } from '../../machine/index.ts';
import { writeDurably } from '../../store/index.ts';
import { declaredFiles, imageFiles } from './image-files.ts';
import type { VmManifest } from './vm-manifest.ts';

const Local = v.strictObject({
  /** When it came to this computer, milliseconds since 1970. */
  madeAt: v.number(),
  /** As what its files were last found to be what they were: while the file system says the same, they need not be read. */
  bootId: v.string(),
  stamps: v.array(v.string()),
});

/** What only this computer knows of an image: it lies beside the manifest, which never changes. */
export type LocalFacts = v.InferOutput<typeof Local>;

/** What is known of the image in a directory; null when that is missing or torn. */
export async function readLocalFacts(directory: string): Promise<LocalFacts | null> {
  try {
    const parsed = v.safeParse(Local, JSON.parse(await readFile(imageFiles(directory).local, 'utf8')));
    return parsed.success ? parsed.output : null;
  } catch {
    return null; // Then its bytes are read again.
  }
}

/** The stamps of files, in order. */
export function stampsOf(paths: readonly string[]): Promise<string[]> {
  return Promise.all(paths.map(fileStamp));
}

/**
 * What is wrong with the files of an image, as a clause; null when they are what they were. They are read once in each boot of the
 * computer, and again when the file system says that they changed; the state of the devices, which is short, each time.
 */
export async function verifyImage(
  directory: string,
  manifest: VmManifest,
  bootId: string,
  signal?: AbortSignal,
): Promise<string | null> {
  const files = declaredFiles(directory, manifest);
  try {
    const known = await readLocalFacts(directory);
    // Before the bytes are read: what changes meanwhile is seen the next time.
    const stamps = await stampsOf(files.map(({ path }) => path));
    const isKnown = known?.bootId === bootId && known.stamps.join() === stamps.join();
    // QEMU believes what it reads of devices, and no file system tells of a bit that its disk has lost: the state is read each time.
    for (const { name, path, bytes, digest, blockBytes } of isKnown ? files.slice(0, 1) : files) {
      const { size } = await stat(path);
      if (size !== bytes) return `its ${name} has ${size} bytes, expected ${bytes}`;
      if ((await sparseDigest(path, signal, blockBytes === undefined ? {} : { blockBytes })) !== digest)
        return `its ${name} does not have its digest`;
    }
    if (isKnown) return null;
    const facts: LocalFacts = { madeAt: known?.madeAt ?? Date.now(), bootId, stamps };
    await writeDurably(imageFiles(directory).local, JSON.stringify(facts), 0o600).catch(() => {
      // Then its bytes are read the next time, too.
    });
    return null;
  } catch (error) {
    signal?.throwIfAborted();
    return `it cannot be read: ${(error as Error).message}`;
  }
}
