import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { basename } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { runCommand } from './command.ts';
import { initProgram, MODULES } from './init-program.ts';
import type { DebianPackage } from './kernel-package.ts';

/** Changes when the way an image is laid out changes. */
const LAYOUT = 3;

/** What of an image is ours to choose: everything but the kernel, which Debian renews. */
export interface OwnInputs {
  /** Path of the Node binary that runs in the guest: the one that runs here. */
  readonly node: string;
  /** Shared libraries of that binary, as `ldd` finds them. */
  readonly libraries: readonly string[];
  /** The agent, one file of JavaScript. */
  readonly agent: Uint8Array;
}

/** Everything an image is made from, found but not yet built. */
export interface ImageInputs extends OwnInputs {
  readonly kernel: DebianPackage;
  /** What `digestOwn` gave for the rest. */
  readonly own: string;
}

/** The dynamic loader, whose path is built into the binary. */
export const LOADER = '/lib64/ld-linux-x86-64.so.2';

/** The libraries that a binary needs, by path. */
export async function librariesOf(binary: string): Promise<string[]> {
  const listing = await runCommand('ldd', [binary]);
  return [...listing.matchAll(/=> (\/\S+)/g)].map((match) => match[1]!).sort();
}

/** The digest, in hexadecimal, of what is ours. `digest` gives that of a file. */
export async function digestOwn(own: OwnInputs, digest: (path: string) => Promise<string>): Promise<string> {
  const paths = [own.node, ...own.libraries, LOADER];
  const files = await Promise.all(paths.map(async (path) => [basename(path), await digest(await realpath(path))]));
  const text = JSON.stringify({
    layout: LAYOUT,
    files,
    agent: digestBytes(own.agent),
    init: digestBytes(initProgram()),
    modules: MODULES,
  });
  return digestBytes(text);
}

/** The digest, in hexadecimal, that names the image made from these inputs. */
export function digestInputs({ own, kernel }: Pick<ImageInputs, 'own' | 'kernel'>): string {
  return digestBytes(JSON.stringify({ own, kernel }));
}

function digestBytes(bytes: string | Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** SHA-256 of a file, in hexadecimal. */
export async function digestFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path, { highWaterMark: 1024 * 1024 }), hash);
  return hash.digest('hex');
}
