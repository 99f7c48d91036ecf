import { fileURLToPath } from 'node:url';
import { setEnvironmentData } from 'node:worker_threads';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { WorkerComponent } from '../../../runtime/agent/worker-message.ts';
import { WorkerSlot } from '../../../runtime/agent/worker-slot.ts';

const slots = suite('a place for a worker');

const COMPONENT = { message: { reuse: null }, glue: '' } as unknown as WorkerComponent;
const timers = () => process.getActiveResourcesInfo().filter((each) => each === 'Timeout').length;

/** A worker that does this with a message, and ends at `prepare`; what its owner hears. */
async function started(does: string, lines = 1) {
  const program = `import { parentPort, workerData } from 'node:worker_threads';
    const say = (kind, more) => parentPort.postMessage({ kind, ...more });
    parentPort.on('message', (message) => {
      if (message.kind === 'prepare') process.exit(0);
      ${does}
    });
    say('up');`;
  const heard: string[] = [];
  const over = Promise.withResolvers<void>();
  const openLine = () => {
    lines -= 1;
    if (lines < 0) throw new Error('there are no more lines');
    return { line: 0, fd: 0, kind: 'socket', bulkDevice: null } as const;
  };
  const slot = new WorkerSlot(new URL(`data:text/javascript,${encodeURIComponent(program)}`), openLine, {
    loaded: (error) => void heard.push(`loaded ${error}`),
    want: () => assert.unreachable(),
    lost: ({ id, finished }) => void heard.push(id === 0 ? 'lost' : `lost ${id} after ${finished}`),
    renewed: () => void heard.push('renewed'),
    failed: () => over.resolve(),
  });
  await slot.start();
  const end = async () => {
    void slot.prepare();
    await over.promise;
  };
  return { slot, heard, end };
}

slots('settles a load when its worker says so, once, and leaves no timer', async () => {
  const before = timers();
  const { slot, heard, end } = await started(`
    if (message.kind === 'load') { say('loaded', { error: null }); say('settled'); say('settled'); }`);
  await slot.load(COMPONENT, false);
  assert.equal(heard, ['loaded null']);
  assert.is(timers(), before);
  await end();
});

slots('settles a load that its worker refuses', async () => {
  const before = timers();
  const { slot, heard, end } = await started(`
    if (message.kind === 'load') { say('loaded', { error: 'no glue' }); say('settled'); }`);
  await slot.load(COMPONENT, false);
  assert.equal(heard, ['loaded no glue']);
  assert.is(timers(), before);
  await end();
});

slots('settles a load that takes long', async () => {
  const { slot, heard, end } = await started(`if (message.kind === 'load') say('loaded', { error: null });`);
  await slot.load(COMPONENT, true);
  assert.equal(heard, ['loaded null']);
  await end();
});

slots('settles a load whose worker is lost, before and after it was loaded, and leaves no timer', async () => {
  for (const [said, expected] of [
    ['', ['lost']],
    [`say('loaded', { error: null });`, ['loaded null', 'lost']],
  ] as const) {
    const before = timers();
    const { slot, heard, end } = await started(`if (message.kind === 'load') { ${said} process.exit(0); }`);
    await slot.load(COMPONENT, true);
    assert.equal(heard, expected);
    assert.is(timers(), before);
    void end();
  }
});

slots('awaits a call no more when it is to hurry', async () => {
  const { slot, heard, end } = await started(`
    if (message.kind === 'load') say('loaded', { error: String(message.awaitsCall) });
    if (message.kind === 'hurry') { say('loaded', { error: 'hurried' }); say('settled'); }`);
  // Nothing is loaded: what is loaded later may await one.
  slot.hurry();
  const loaded = slot.load(COMPONENT, true);
  slot.hurry();
  await loaded;
  assert.equal(heard, ['loaded true', 'loaded hurried']);
  await end();
});

/** Resolves when that is so. */
async function until(is: () => boolean, what: string): Promise<void> {
  const end = performance.now() + 10_000;
  while (!is()) {
    if (performance.now() > end) throw new Error(`expected within 10 s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

slots('ends a worker whose invocation does not end, or hears of its end, and never both', async () => {
  const cell = fileURLToPath(new URL('../../../runtime/agent/interrupt-cell.ts', import.meta.url));
  // Where the worker tells the end, as by its line, which its slot does not read.
  const told = new Int32Array(new SharedArrayBuffer(4));
  setEnvironmentData('told', told.buffer);
  // It ends at the moment at which that is decided. A program of this kind may not import a file.
  const { slot, heard, end } = await started(
    `
    const { InterruptCell } = process.getBuiltinModule('node:module').createRequire('/')(${JSON.stringify(cell)});
    const { getEnvironmentData } = process.getBuiltinModule('node:worker_threads');
    if (message.kind === 'load') {
      say('loaded', { error: null });
      say('settled');
    }
    if (message.kind === 'interrupt') {
      const cells = new Int32Array(workerData.cell);
      const before = cells.slice();
      while (before.every((value, at) => Atomics.load(cells, at) === value));
      const cell = new InterruptCell(workerData.cell);
      cell.finish(1);
      cell.pass();
      Atomics.store(new Int32Array(getEnvironmentData('told')), 0, 1);
    }`,
    2,
  );
  await slot.load(COMPONENT, false);
  slot.interrupt(1, 'client-closed');
  await until(() => Atomics.load(told, 0) === 1 || heard.includes('renewed'), 'an end that is told, or a successor');
  await new Promise((resolve) => setTimeout(resolve, 200));
  const isTold = Atomics.load(told, 0) === 1;
  assert.equal(
    heard.filter((each) => each !== 'loaded null'),
    isTold ? [] : ['lost 1 after 0', 'renewed'],
  );
  await end();
});

slots.run();
