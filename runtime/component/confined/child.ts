/**
 * The confined child: reads a component's digest and its bytes from stdin, writes its artifact or a refusal to stdout, exits. It may be there before
 * them, and rehearses then. Argument: the component's kind, which decides what has to be loaded while the program may still read files.
 */
import { once } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import { asCloudletError, type Digest, parseDigest } from '../../../guest-sdk/protocol/index.ts';
import { TOOLS } from '../tools.ts';
import { loadAdapters } from '../transpile/adapt-core-module.ts';
import { loadGenerator } from '../transpile/generator.ts';
import { transpile } from '../transpile.ts';
import { DIGEST_CHARACTERS, encodeArtifact, encodeRefusal } from './artifact-stream.ts';
import { rehearsalComponent } from './rehearsal-component.ts';

const NOBODY = 65_534;
/** How often one that waits rehearses: most of what V8 compiles anew while it runs is compiled by then, and further ones gain nothing. */
const REHEARSALS = 6;

const [kind = ''] = process.argv.slice(2);
// What is in a core module is known when it has been adapted.
if (kind !== 'async-component') await loadGenerator('plain');
if (kind !== 'component') await loadGenerator('async');
if (kind === 'core-module') await loadAdapters();
// Only now: the program itself may lie where nobody else may read, such as below /root.
dropPrivileges();
const input: Buffer[] = [];
process.stdin.on('data', (bytes) => input.push(bytes));
const whole = once(process.stdin, 'end');
await turn();
// No collection is asked for afterwards: V8 throws away the code that it has optimized for objects of which none is left.
for (let time = 0; time < REHEARSALS && input.length === 0 && kind === 'component'; time += 1) {
  try {
    await transpile(rehearsalComponent(), `sha256:${'0'.repeat(64)}` as Digest);
  } catch {
    // Says nothing of the component that is to come.
    break;
  }
  await turn();
}
await whole;
// Whoever started it has no use for it, or is gone.
if (input.length > 0) await answer(Buffer.concat(input));

async function answer(given: Buffer): Promise<void> {
  const digest = parseDigest(given.toString('latin1', 0, DIGEST_CHARACTERS));
  const parts = await translate(new Uint8Array(given.subarray(DIGEST_CHARACTERS)), digest);
  for (const part of parts) if (!process.stdout.write(part)) await once(process.stdout, 'drain');
  process.stdout.end();
}

async function translate(bytes: Uint8Array, digest: Digest): Promise<Uint8Array[]> {
  try {
    return encodeArtifact(await transpile(bytes, digest));
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
