// time limit: 400 s
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { LoadedVersion, Sandbox } from '../../runtime/sandbox/index.ts';
import type { GrantedDirectory } from '../../runtime/wasi/index.ts';
import { CloneLab, guestArtifact, versionWith } from '../support/clone-lab.ts';
import { finish } from '../support/sandbox-lab.ts';

const SECRET = `secret-${randomBytes(16).toString('hex')}`;
const DIRECTORIES: readonly GrantedDirectory[] = [
  { path: '/data', at: ['data'], writable: false, files: [{ names: ['a.txt'], bytes: Buffer.from('packaged') }] },
  { path: '/tmp', at: ['tmp'], writable: true, files: [] },
];
const plain = versionWith(`grants-${randomBytes(4).toString('hex')}`, guestArtifact('cat'));
const VERSION: LoadedVersion = {
  ...plain,
  grant: {
    ...plain.grant,
    scratch: [{ path: '/tmp', bytes: 1000, from: null }],
    environment: { TOKEN: { secret: 'token' }, PLAIN: 'plain' },
    secrets: ['token'],
  },
  files: async () => DIRECTORIES,
  secrets: () => ({ token: SECRET }),
};

const grants = suite<{ lab: CloneLab }>('a machine with what its function is granted');

grants.before(async (context) => {
  context.lab = await CloneLab.open();
});
grants.after(async ({ lab }) => {
  await lab.source.forget(VERSION.id);
  await lab.close();
});

async function run(sandbox: Sandbox, words: readonly string[], rehearsal = false): Promise<string> {
  const options = { deadlineMs: 120_000, log: () => {}, rehearsal };
  const { text, end } = await finish(sandbox.invoke({ door: 'run', arguments: words }, new Uint8Array(0), options));
  return `${end.exitCode} ${text}`;
}

async function check(sandbox: Sandbox): Promise<void> {
  assert.is(await run(sandbox, ['env']), `0 TOKEN=${SECRET}\nPLAIN=plain\n`);
  assert.is(await run(sandbox, ['file', '/data/a.txt']), '0 packaged');
  assert.is(await run(sandbox, ['write', '/tmp/new']), '0 ');
  assert.is(await run(sandbox, ['file', '/tmp/new']), '66 ');
  assert.is(await run(sandbox, ['write', '/data/a.txt']), '73 ');
  assert.not.match(await run(sandbox, ['env'], true), SECRET);
}

grants('has its files and secrets when it is loaded, and rehearses without secrets', async ({ lab }) => {
  await lab.with(VERSION, ({ sandbox }) => check(sandbox));
});

grants('has them as a clone of a snapshot that holds no secret', async ({ lab }) => {
  assert.is(await lab.source.prepare(VERSION, lab.signal), true, lab.warnings.join('; '));
  const memory = await readFile(lab.find(VERSION.id)!.memory);
  assert.is(memory.includes('packaged'), true);
  assert.is(memory.includes(SECRET), false);
  await lab.with(VERSION, async ({ sandbox, via }) => {
    assert.is(via, 'function-clone');
    await check(sandbox);
  });
});

grants.run();
