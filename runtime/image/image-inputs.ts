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

/** Everything an image is made from, found but not yet built. */
export interface ImageInputs {
  readonly kernel: DebianPackage;
  /** Path of the Node binary that runs in the guest: the one that runs here. */
  readonly node: string;
  /** Shared libraries of that binary, as `ldd` finds them. */
  readonly libraries: readonly string[];
  /** The agent, one file of JavaScript. */
  readonly agent: Uint8Array;
}

/** The dynamic loader, whose path is built into the binary. */
export const LOADER = '/lib64/ld-linux-x86-64.so.2';

/** The libraries that a binary needs, by path. */
export async function librariesOf(binary: string): Promise<string[]> {
  const listing = await runCommand('ldd', [binary]);
  return [...listing.matchAll(/=> (\/\S+)/g)].map((match) => match[1]!).sort();
}

/** The digest, in hexadecimal, that names the image made from these inputs. */
export async function digestInputs(inputs: ImageInputs): Promise<string> {
  const files = [inputs.node, ...inputs.libraries, LOADER];
  const digests = await Promise.all(
    files.map(async (file) => [basename(file), await digestFile(await realpath(file))]),
  );
  const text = JSON.stringify({
    layout: LAYOUT,
    kernel: inputs.kernel,
    files: digests,
    agent: digestBytes(inputs.agent),
    init: digestBytes(initProgram()),
    modules: MODULES,
  });
  return digestBytes(text);
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
