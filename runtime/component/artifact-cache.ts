import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { type Digest, hexOf } from '../../guest-sdk/protocol/index.ts';
import { asStorageError, isMissing } from '../store/index.ts';
import type { Artifact } from './artifact.ts';
import { parseManifest } from './manifest-schema.ts';
import { TOOLS } from './tools.ts';

const GLUE = 'glue.js';
const MANIFEST = 'manifest.json';
const DIGESTS = 'digests.json';

/** SHA-256 of every other file of the folder, by name. */
const Digests = v.record(v.string(), v.string());

/**
 * Artifacts as folders, one for a component and the versions of the tools: `<48 hex>/{manifest.json, glue.js, *.wasm, digests.json}`.
 * A folder appears whole by one rename. What does not have the bytes it had is removed and made again: nothing here is precious.
 */
export class ArtifactCache {
  readonly #directory: string;
  readonly #tools: string;

  /** `tools` names what makes the artifacts; another name is another cache. */
  constructor(directory: string, tools: string = TOOLS) {
    this.#directory = directory;
    this.#tools = tools;
  }

  /** The artifact of a component, or null when there is none or it is damaged. */
  async load(component: Digest): Promise<Artifact | null> {
    const folder = this.#folderOf(component);
    try {
      const digests = v.parse(Digests, JSON.parse(await readFile(join(folder, DIGESTS), 'utf8')));
      const read = async (name: string): Promise<Uint8Array> => {
        const bytes = await readFile(join(folder, name));
        if (sha256(bytes) !== digests[name]) throw new Error(`${name} does not have the bytes it had`);
        return bytes;
      };
      const manifest = parseManifest(JSON.parse(new TextDecoder().decode(await read(MANIFEST))));
      if (manifest.component !== component || manifest.tools !== this.#tools) throw new Error('another artifact');
      const glue = new TextDecoder().decode(await read(GLUE));
      const modules: { name: string; bytes: Uint8Array }[] = [];
      for (const { name } of manifest.modules) modules.push({ name, bytes: await read(name) });
      return { manifest, glue, modules };
    } catch (error) {
      // Missing is the usual case; anything else is damage, and the remedy for both is to make it again.
      if (!isMissing(error)) await rm(folder, { recursive: true, force: true });
      return null;
    }
  }

  /** Keeps an artifact. Throws `storage-full` when there is no room for it. */
  async save(artifact: Artifact): Promise<void> {
    const folder = this.#folderOf(artifact.manifest.component);
    const incoming = `${folder}.${randomBytes(6).toString('hex')}.tmp`;
    try {
      await mkdir(incoming, { recursive: true, mode: 0o700 });
      const digests: Record<string, string> = {};
      const write = async (name: string, bytes: Uint8Array): Promise<void> => {
        digests[name] = sha256(bytes);
        await writeFile(join(incoming, name), bytes);
      };
      const text = new TextEncoder();
      await write(MANIFEST, text.encode(JSON.stringify(artifact.manifest)));
      await write(GLUE, text.encode(artifact.glue));
      for (const { name, bytes } of artifact.modules) await write(name, bytes);
      await writeFile(join(incoming, DIGESTS), JSON.stringify(digests));
      await rm(folder, { recursive: true, force: true });
      await rename(incoming, folder);
    } catch (error) {
      throw asStorageError(error);
    } finally {
      await rm(incoming, { recursive: true, force: true });
    }
  }

  async remove(component: Digest): Promise<void> {
    await rm(this.#folderOf(component), { recursive: true, force: true });
  }

  #folderOf(component: Digest): string {
    const key = createHash('sha256')
      .update(`${hexOf(component)}\n${this.#tools}`)
      .digest('hex');
    return join(this.#directory, key.slice(0, 48));
  }
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
