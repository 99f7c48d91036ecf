import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const FOLDER = fileURLToPath(new URL('assets', import.meta.url));

const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** A file of the page. */
export interface Asset {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly type: string;
}

/** The files of the page and where they are served. */
export interface Assets {
  /** Address of a file: it holds a digest of all files, so that it may be cached for ever, and a script finds its siblings by relative imports. */
  readonly address: (name: string) => string;
  /** The file of a name with the digest it is asked for under; null when there is none, or the digest is of another build. */
  readonly find: (digest: string, name: string) => Asset | null;
}

/** Reads all files once. */
export function readAssets(folder: string = FOLDER): Assets {
  const files = new Map<string, Asset>();
  const hash = createHash('sha256');
  for (const name of readdirSync(folder).sort()) {
    const type = TYPES[extname(name)];
    if (type === undefined) continue;
    const bytes = new Uint8Array(readFileSync(join(folder, name)));
    hash.update(`${name}\0${bytes.length}\0`).update(bytes);
    files.set(name, { bytes, type });
  }
  const digest = hash.digest('hex').slice(0, 16);
  return {
    address: (name) => {
      if (!files.has(name)) throw new Error(`expected ${name} in ${folder}`);
      return `/assets/${digest}/${name}`;
    },
    find: (wanted, name) => (wanted === digest ? (files.get(name) ?? null) : null),
  };
}
