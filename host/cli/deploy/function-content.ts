import { type Content, contentOf } from '../../../guest-sdk/client/index.ts';
import { type Digest, packageOfIndex, parseTarHeader, TAR_BLOCK_BYTES } from '../../../guest-sdk/protocol/index.ts';
import type { Publishable } from '../publishable.ts';
import { openFileContent } from './file-content.ts';

/** A component or package as it is pushed. Whoever opens it closes it. */
export interface FunctionContent {
  readonly content: Content;
  /** Of the version that it becomes. */
  readonly digest: Digest;
  close(): Promise<void>;
}

/** Opens what is to be published. */
export async function functionContent(found: Publishable): Promise<FunctionContent> {
  const file = found.pieces === null ? await openFileContent(found.path) : null;
  const content: Content = file ?? contentOf(Buffer.concat(found.pieces ?? []));
  const close = async (): Promise<void> => file?.close();
  try {
    return { content, digest: found.versionDigest ?? (await manifestDigest(content)) ?? found.digest, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The digest of a package's manifest, which names it; null when the content is no package. Files of packages come early and are short. */
async function manifestDigest({ bytes, slice }: Content): Promise<Digest | null> {
  for (let at = 0, left = 16; at + TAR_BLOCK_BYTES <= bytes && left > 0; left -= 1) {
    const header = parseTarHeader(await slice(at, at + TAR_BLOCK_BYTES));
    if (header === null || typeof header === 'string') return null;
    const start = at + TAR_BLOCK_BYTES;
    if (header.name.replace(/^\.\//, '') === 'index.json' && header.size <= 64 * 1024)
      return indexed(await slice(start, start + header.size));
    at = start + Math.ceil(header.size / TAR_BLOCK_BYTES) * TAR_BLOCK_BYTES;
  }
  return null;
}

function indexed(bytes: Uint8Array): Digest | null {
  try {
    return packageOfIndex(JSON.parse(Buffer.from(bytes).toString()))?.digest ?? null;
  } catch {
    return null; // What is wrong with it, the host says in a sentence.
  }
}
