import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { CloudletError } from '../../../../guest-sdk/protocol/index.ts';
import type { Accelerator } from '../../../../runtime/machine/index.ts';
import { bootVm } from '../../../../runtime/vm/machine/boot-vm.ts';
import { restoreVm } from '../../../../runtime/vm/machine/restore-vm.ts';
import { MAX_LAYERS, VM_FD } from '../../../../runtime/vm/machine/vm-args.ts';
import type { BootVmOptions, RestoreVmOptions } from '../../../../runtime/vm/machine/vm-options.ts';
import { childrenOf, programOf } from '../../../support/process-tree.ts';

const ACCELERATOR: Accelerator = { kind: 'tcg', cpu: 'max', tscKhz: null, qemuVersion: '0.0.0', reason: 'a test' };

/** The kernel's part of a stand-in: it takes an identity, and says so. */
const TAKE = 'head -c 96 <&4 >>identities; printf k >&4;';
/** The relay's: it takes a new host's frame, and says that it is ready. */
const READY = "head -c 12 <&5 >hello; printf '\\002\\000\\004\\000\\000\\000\\000\\000\\001\\000\\000\\000' >&5;";
/** QEMU's: it takes some lines, the capabilities first, and says that it did what they say. */
const qmp = (lines: number) =>
  `for line in $(seq ${lines}); do read -r line <&3; echo "$line" >>commands; echo '{"return": []}' >&3; done;`;

interface Context {
  directory: string;
  /** Fails when a process runs that the test has started. */
  childless: () => void;
}
const vm = suite<Context>('a VM that starts');

vm.before.each(async (context) => {
  context.directory = await mkdtemp(join(tmpdir(), 'cloudlet-vm-'));
  await chmod(context.directory, 0o777);
  const others = childrenOf(process.pid);
  context.childless = () => {
    const left = childrenOf(process.pid).filter((pid) => !others.includes(pid));
    assert.equal(left.map(programOf), []);
  };
});
vm.after.each(({ directory }) => rm(directory, { recursive: true }));

/** Options for a VM whose QEMU is a shell script that runs where its files are. */
async function withFakeQemu(directory: string, script: string): Promise<RestoreVmOptions & BootVmOptions> {
  const path = (file: string) => join(directory, file);
  await writeFile(path('qemu'), `#!/bin/sh\ncd ${directory}\n${script}\n`, { mode: 0o755 });
  for (const file of [
    'kernel',
    'initrd',
    'root',
    'memory',
    'state',
    'saved',
    'identities',
    'commands',
    'hello',
    'top',
  ]) {
    await writeFile(path(file), '');
    await chmod(path(file), 0o666);
  }
  return {
    id: 'test',
    shape: { accelerator: ACCELERATOR, memoryMib: 64, vcpus: 1 },
    disk: { layers: [{ path: path('root'), format: 'raw' }], bytes: 2 ** 30, growthBytes: 2 ** 20, directory },
    qemu: path('qemu'),
    ...{ kernel: path('kernel'), initrd: path('initrd'), memory: path('memory'), state: path('state') },
  };
}

const failureOf = async (starting: Promise<unknown>): Promise<CloudletError> => {
  const outcome = await starting.catch((error: unknown) => error);
  assert.instance(outcome, Error, 'the VM started');
  return outcome as CloudletError;
};

for (const [what, start] of [
  ['boots', bootVm],
  ['is restored', restoreVm],
] as const) {
  vm(
    `${what} when its kernel has its identity, twice, and its relay serves this host`,
    async ({ directory, childless }) => {
      const options = await withFakeQemu(directory, `${TAKE} ${READY} ${TAKE} exec sleep 60`);
      const started = await start(options);
      await started.close();
      assert.is((await readFile(join(directory, 'identities'))).length, 2 * 96);
      assert.is((await readFile(join(directory, 'hello'))).toString('hex'), '010004000000000001000000');
      assert.equal(
        (await readdir(directory)).filter((name) => name.startsWith('.')),
        [],
        'what it writes has no name',
      );
      childless();
    },
  );
}

for (const [what, script, reason] of [
  ['that never acknowledges its identity', `${READY} exec sleep 60`, /the guest was silent for 300 ms/],
  ['whose relay is silent', `${TAKE} ${TAKE} exec sleep 60`, /the guest was silent for 300 ms/],
  ['that acknowledges something else', 'head -c 96 <&4 >/dev/null; printf x >&4; exec sleep 60', /got byte 120/],
  [
    'whose relay says something else',
    "printf '\\007\\000\\000\\000\\000\\000\\000\\000' >&5; exec sleep 60",
    /QEMU ended with SIG(KILL|TERM)|expected ready as the first frame/,
  ],
  [
    'that ends',
    'echo "load of migration failed" >&2; exit 1',
    /QEMU ended with status 1; it said last: load of migration failed/,
  ],
] as const) {
  vm(`${what} serves nobody, and is gone`, async ({ directory, childless }) => {
    const options = await withFakeQemu(directory, script);
    const error = await failureOf(
      restoreVm({ ...options, restoreMs: reason.source.includes('silent') ? 300 : 30_000 }),
    );
    assert.is(error.code, 'machine-failed');
    assert.match(error.message, reason);
    childless();
  });
}

vm('is given up when the caller says so', async ({ directory, childless }) => {
  const stop = new AbortController();
  const starting = restoreVm({ ...(await withFakeQemu(directory, 'exec sleep 60')), signal: stop.signal });
  stop.abort(new Error('changed my mind'));
  assert.is((await failureOf(starting)).message, 'changed my mind');
  childless();
});

for (const file of ['root', 'memory', 'state'] as const) {
  vm(`without its ${file} says so`, async ({ directory }) => {
    const options = await withFakeQemu(directory, 'exec sleep 60');
    await rm(join(directory, file));
    assert.match((await failureOf(restoreVm(options))).message, /a file of the VM cannot be opened: ENOENT/);
  });
}

vm('that is started before its files are complete goes on when they are', async ({ directory, childless }) => {
  const options = await withFakeQemu(directory, `${qmp(2)} ${TAKE} ${READY} ${TAKE} exec sleep 60`);
  const complete = Promise.withResolvers<void>();
  const starting = restoreVm({ ...options, complete: complete.promise });
  const commands = () => readFile(join(directory, 'commands'), 'utf8');
  while (!(await commands()).includes('qmp_capabilities')) await new Promise((resolve) => setImmediate(resolve));
  assert.not.match(await commands(), 'migrate-incoming');
  complete.resolve();
  await (await starting).close();
  assert.match(await commands(), `"migrate-incoming","arguments":{"uri":"fd:${VM_FD.incoming}"}`);
  childless();
});

vm(
  'that is started before its files are complete is gone when they will not be, or when it ends before',
  async ({ directory, childless }) => {
    const waits = await withFakeQemu(directory, 'exec sleep 60');
    const torn = Promise.reject(new Error('a torn segment'));
    assert.is((await failureOf(restoreVm({ ...waits, complete: torn }))).message, 'a torn segment');
    const ends = await withFakeQemu(directory, 'echo "no memory" >&2; exit 3');
    const never = new Promise<never>(() => undefined);
    assert.match(
      (await failureOf(restoreVm({ ...ends, complete: never }))).message,
      /status 3; it said last: no memory/,
    );
    const stop = new AbortController();
    const given = restoreVm({ ...waits, complete: never, signal: stop.signal });
    stop.abort(new Error('changed my mind'));
    assert.is((await failureOf(given)).message, 'changed my mind');
    childless();
  },
);

vm('does not start with more layers than QEMU shall look through', async ({ directory }) => {
  const options = await withFakeQemu(directory, 'exec sleep 60');
  const layers = Array.from({ length: MAX_LAYERS + 1 }, () => options.disk.layers[0]!);
  assert.match(
    (await failureOf(restoreVm({ ...options, disk: { ...options.disk, layers } }))).message,
    'at most 8 layers, got 9',
  );
});

vm('that is saved has a top layer as long as it needs to be', async ({ directory }) => {
  const options = await withFakeQemu(directory, `${TAKE} ${READY} ${TAKE} ${qmp(4)} exec sleep 60`);
  const saved = join(directory, 'saved');
  const top = join(directory, 'top');
  const template = await restoreVm({ ...options, disk: { ...options.disk, top }, template: { saved } });
  await template.save();
  await template.close();
  const commands = await readFile(join(directory, 'commands'), 'utf8');
  assert.match(commands, /qmp_capabilities[\s\S]*"query-blockstats"[\s\S]*"stop"[\s\S]*"xen-save-devices-state"/);
  assert.is((await readFile(top)).length, 4 * 65_536);
});

vm('is killed when it breaks the protocol of its relay, and its console says so', async ({ directory }) => {
  const options = await withFakeQemu(
    directory,
    `${TAKE} ${READY} ${TAKE} head -c 8 <&5 >/dev/null; printf xxxxxxxx >&5; sleep 60`,
  );
  const started = await restoreVm(options);
  const error = await failureOf(started.relay.connect(80));
  assert.match(error.message, 'the VM broke the protocol of its relay: expected a frame, got one of kind 120');
  await started.exited;
  let said = '';
  for await (const bytes of started.console) said += Buffer.from(bytes).toString();
  assert.match(said, 'the VM broke the protocol of its relay');
  await started.close();
});

vm.run();
