/**
 * The confined child: reads one component from stdin, writes its artifact or a refusal to stdout, exits.
 * Arguments: the component's digest, and its kind, which decides what has to be loaded while the program may still read files.
 */
import { once } from 'node:events';
import { buffer } from 'node:stream/consumers';
import { asCloudletError, parseDigest } from '../../../guest-sdk/protocol/index.ts';
import { TOOLS } from '../tools.ts';
import { loadAdapters } from '../transpile/adapt-core-module.ts';
import { loadGenerator } from '../transpile/generator.ts';
import { transpile } from '../transpile.ts';
import { encodeArtifact, encodeRefusal } from './artifact-stream.ts';

const NOBODY = 65_534;

const [digest = '', kind = ''] = process.argv.slice(2);
// What is in a core module is known when it has been adapted.
if (kind !== 'async-component') await loadGenerator('plain');
if (kind !== 'component') await loadGenerator('async');
if (kind === 'core-module') await loadAdapters();
// Only now: the program itself may lie where nobody else may read, such as below /root.
dropPrivileges();
const parts = await translate(new Uint8Array(await buffer(process.stdin)));
for (const part of parts) if (!process.stdout.write(part)) await once(process.stdout, 'drain');
process.stdout.end();

async function translate(bytes: Uint8Array): Promise<Uint8Array[]> {
  try {
    return encodeArtifact(await transpile(bytes, parseDigest(digest)));
  } catch (error) {
    const failure = asCloudletError(error);
    // Anything but a refusal is a failure of the tools, which end the child so that the parent quotes what they said.
    if (failure.code !== 'component-refused') throw new Error(`${TOOLS}: ${failure.message}`, { cause: error });
    return encodeRefusal(failure.message);
  }
}

function dropPrivileges(): void {
  if (process.getuid?.() !== 0) return;
  process.setgroups?.([]);
  process.setgid?.(NOBODY);
  process.setuid?.(NOBODY);
}
