import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { CloudletError } from '../../../guest-sdk/protocol/index.ts';
import type { BaseImage } from '../../../runtime/image/index.ts';
import { type Accelerator, type RestoreOptions, restoreMachine } from '../../../runtime/machine/index.ts';
import { childrenOf, programOf } from '../../support/process-tree.ts';

const ACCELERATOR: Accelerator = { kind: 'tcg', cpu: 'max', tscKhz: null, qemuVersion: '0.0.0', reason: 'a test' };

/** The kernel's part of a stand-in: it takes an identity and keeps it, and says so. */
const TAKE = 'head -c 96 <&5 >>identities; printf k >&5;';
/** QEMU's part: it takes two lines, the capabilities and a command, and says that it did. */
const QMP = `for line in 1 2; do read -r line <&4; echo "$line" >>commands; echo '{"return": {}}' >&4; done;`;

interface Context {
  directory: string;
  /** Children of this process that are not of the test. */
  others: readonly number[];
}
const restore = suite<Context>('restoring a machine');

restore.before.each(async (context) => {
  context.directory = await mkdtemp(join(tmpdir(), 'cloudlet-restore-'));
  await chmod(context.directory, 0o777);
  context.others = childrenOf(process.pid);
});
restore.after.each(({ directory }) => rm(directory, { recursive: true }));

/** Options for a machine whose QEMU is a shell script that runs where its files are. */
async function withFakeQemu(directory: string, script: string): Promise<RestoreOptions> {
  const qemu = join(directory, 'qemu');
  await writeFile(qemu, `#!/bin/sh\ncd ${directory}\n${script}\n`, { mode: 0o755 });
  for (const file of ['root.ext4', 'memory', 'state', 'identities', 'commands']) {
    await writeFile(join(directory, file), '', { mode: 0o666 });
    await chmod(join(directory, file), 0o666);
  }
  const image: BaseImage = {
    digest: '0'.repeat(64),
    directory,
    kernel: join(directory, 'none'),
    initrd: join(directory, 'none'),
    root: join(directory, 'root.ext4'),
    manifest: { format: 2, kernel: { name: 'none', version: '0' }, own: '', node: 'v0', files: {} },
  };
  const shape = { accelerator: ACCELERATOR, memoryMib: 64, vcpus: 1, workers: 1 };
  const files = { memory: join(directory, 'memory'), state: join(directory, 'state') };
  return { id: 'test', image, shape, qemu, ...files };
}

const failureOf = async (restoring: Promise<unknown>): Promise<CloudletError> => {
  const outcome = await restoring.catch((error: unknown) => error);
  assert.instance(outcome, Error, 'the machine was restored');
  return outcome as CloudletError;
};

/** What the stand-in was given, one after the other: the time, the randomness and the id. */
async function identitiesIn(directory: string) {
  const bytes = await readFile(join(directory, 'identities'));
  return Array.from({ length: bytes.length / 96 }, (_, at) => {
    const one = bytes.subarray(at * 96, at * 96 + 96);
    const wallMs = Number(one.readBigInt64LE(0)) * 1000 + Number(one.readBigInt64LE(8)) / 1e6;
    return { wallMs, entropy: one.subarray(16, 80).toString('hex'), id: one.subarray(80).toString('hex') };
  });
}

restore('ends when the kernel has its identity, and the time once more', async ({ directory }) => {
  const before = Date.now();
  const machine = await restoreMachine(await withFakeQemu(directory, `${TAKE} ${TAKE} exec sleep 60`));
  await machine.close();
  const [first, second, ...more] = await identitiesIn(directory);
  assert.equal(more, []);
  assert.is(first!.id, second!.id);
  assert.is.not(first!.entropy, second!.entropy);
  assert.ok(before <= first!.wallMs && first!.wallMs <= second!.wallMs && second!.wallMs <= Date.now());
});

restore('of a template leaves it in the past, and its time alone', async ({ directory }) => {
  const options = await withFakeQemu(directory, `${TAKE} exec sleep 60`);
  const saved = join(directory, 'saved');
  await writeFile(saved, '');
  const machine = await restoreMachine({ ...options, template: { saved } });
  await machine.close();
  assert.equal(
    (await identitiesIn(directory)).map(({ wallMs }) => new Date(wallMs).toISOString()),
    ['2000-01-01T00:00:00.000Z'],
  );
});

for (const [what, script, reason] of [
  ['never acknowledges its identity', 'exec sleep 60', /the guest was silent for 300 ms/],
  ['acknowledges the first identity alone', `${TAKE} exec sleep 60`, /the guest was silent for 300 ms/],
  [
    'answers something else',
    'head -c 96 <&5 >/dev/null; printf x >&5; exec sleep 60',
    /expected the answer to an identity on the control port, got byte 120/,
  ],
  [
    'ends',
    'echo "load of migration failed" >&2; exit 1',
    /QEMU ended with status 1; it said last: load of migration failed/,
  ],
] as const) {
  restore(`of a machine that ${what} fails, and it is gone`, async ({ directory, others }) => {
    const options = await withFakeQemu(directory, `echo $$ >>commands; ${script}`);
    const error = await failureOf(
      restoreMachine({ ...options, restoreMs: reason.source.includes('silent') ? 300 : 30_000 }),
    );
    assert.is(error.code, 'machine-failed');
    assert.match(error.message, 'the machine could not be restored: ');
    assert.match(error.message, reason);
    const left = childrenOf(process.pid).filter((pid) => !others.includes(pid));
    assert.equal(left.map(programOf), []);
  });
}

restore('is given up when the caller says so', async ({ directory }) => {
  const stop = new AbortController();
  const restoring = restoreMachine({ ...(await withFakeQemu(directory, 'exec sleep 60')), signal: stop.signal });
  stop.abort(new Error('changed my mind'));
  assert.is((await failureOf(restoring)).message, 'changed my mind');
});

for (const file of ['memory', 'state'] as const) {
  restore(`without its ${file} says so`, async ({ directory }) => {
    const options = await withFakeQemu(directory, 'exec sleep 60');
    await rm(options[file]);
    const error = await failureOf(restoreMachine(options));
    assert.is(error.code, 'machine-failed');
    assert.match(error.message, /a file of the machine cannot be opened: ENOENT/);
  });
}

const resume = suite<Context>('a machine that goes on');
resume.before.each(async (context) => {
  context.directory = await mkdtemp(join(tmpdir(), 'cloudlet-resume-'));
  await chmod(context.directory, 0o777);
  context.others = childrenOf(process.pid);
});
resume.after.each(({ directory }) => rm(directory, { recursive: true }));

resume('has the time again, other randomness and the same name', async ({ directory }) => {
  const machine = await restoreMachine(await withFakeQemu(directory, `${TAKE} ${TAKE} ${QMP} ${TAKE} exec sleep 60`));
  await machine.resume();
  await machine.close();
  const [, before, after] = await identitiesIn(directory);
  assert.is(after!.id, before!.id);
  assert.is.not(after!.entropy, before!.entropy);
  assert.ok(after!.wallMs >= before!.wallMs);
  assert.match(await readFile(join(directory, 'commands'), 'utf8'), '"execute":"cont"');
});

resume('and ends instead says so', async ({ directory }) => {
  const machine = await restoreMachine(await withFakeQemu(directory, `${TAKE} ${TAKE} ${QMP} exit 1`));
  assert.match((await failureOf(machine.resume())).message, 'the machine did not go on: the guest was ended');
  await machine.close();
});

restore.run();
resume.run();
