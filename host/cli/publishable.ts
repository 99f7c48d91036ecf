import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, extname } from 'node:path';
import { type Digest, digestOfHex, parseName } from '../../guest-sdk/protocol/index.ts';
import { typed, UsageError } from './usage-error.ts';

/** A component on disk with the name that it would be published under. */
export interface Publishable {
  readonly path: string;
  readonly name: string;
  readonly sizeBytes: number;
  readonly digest: Digest;
}

/** The component that a path names: the file itself, or the result of building the project in a directory. */
export async function publishable(path: string, signal: AbortSignal): Promise<Publishable> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(`expected a component or a project directory, but ${path} cannot be read (${error.code})`);
  });
  if (!found.isDirectory()) {
    const name = typed(() => parseName(nameOfFile(path)));
    return { path, name, sizeBytes: found.size, digest: await digestOfFile(path, signal) };
  }
  const { buildShown } = await import('./build-shown.ts');
  const { component, project, sizeBytes, digest } = await buildShown(path, signal);
  const wishes = Object.keys(project.wishes);
  if (wishes.length > 0) {
    console.error(
      `${project.name}: ${wishes.join(' and ')} of cloudlet.json are not sent; the cloudlet's defaults hold`,
    );
  }
  return { path: component, name: project.name, sizeBytes, digest };
}

/** `path/My_Photo.component.wasm` → `my-photo`: the nearest name that a function may have. */
export function nameOfFile(path: string): string {
  const stem = basename(path, extname(path)).replace(/\.(component|wasm)$/, '');
  return stem
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^[^a-z]+|-+$/g, '')
    .slice(0, 63);
}

/** The bytes of a file, telling how many went out. */
export async function* readComponent(path: string, sent: (bytes: number) => void): AsyncGenerator<Uint8Array> {
  let done = 0;
  for await (const chunk of createReadStream(path) as AsyncIterable<Uint8Array>) {
    yield chunk;
    done += chunk.length;
    sent(done);
  }
}

async function digestOfFile(path: string, signal: AbortSignal): Promise<Digest> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { signal })) hash.update(chunk as Uint8Array);
  return digestOfHex(hash.digest('hex'));
}
