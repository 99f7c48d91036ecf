import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import type { UploadMemory } from '../../../guest-sdk/client/index.ts';

/** Uploads that are remembered: the oldest give way. */
const MAX_KEPT = 64;
/** Longest file, characters. */
const MAX_CHARS = 512 * 1024;

const Kept = v.array(v.object({ key: v.string(), at: v.string() }));
type Kept = v.InferOutput<typeof Kept>;

/**
 * Uploads to registries that a command left unfinished, in the cache, so that the next goes on with them. What cannot be read or written is not remembered: such
 * an upload begins anew.
 */
export function keptUploads(cacheDir: string): UploadMemory {
  const path = join(cacheDir, 'uploads.json');
  const read = async (): Promise<Kept> => {
    const text = await readFile(path, 'utf8').catch(() => '[]');
    const parsed = v.safeParse(v.pipe(v.string(), v.maxLength(MAX_CHARS), v.parseJson(), Kept), text);
    return parsed.success ? parsed.output : [];
  };
  return {
    find: async (key) => (await read()).find((each) => each.key === key)?.at,
    set: async (key, at) => {
      const others = (await read()).filter((each) => each.key !== key);
      const kept = at === undefined ? others : [...others, { key, at }].slice(-MAX_KEPT);
      try {
        await mkdir(cacheDir, { recursive: true });
        // An address may carry the proof that the upload is ours.
        await writeFile(`${path}.${process.pid}`, JSON.stringify(kept), { mode: 0o600 });
        await rename(`${path}.${process.pid}`, path);
      } catch {
        // Nothing is lost but what was sent of it.
      }
    },
  };
}
