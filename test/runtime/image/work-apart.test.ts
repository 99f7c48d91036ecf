import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { CloudletError } from '../../../guest-sdk/protocol/index.ts';
import { workApart } from '../../../runtime/image/work-apart.ts';

const MODULE = fileURLToPath(new URL('../../../runtime/image/work-apart.ts', import.meta.url));

const apart = suite<{ folder: string; entry: string }>('work in a process of its own');
apart.before.each(async (context) => {
  context.folder = await mkdtemp(join(tmpdir(), 'cloudlet-apart-'));
  context.entry = join(context.folder, 'entry.mjs');
  // It begins, and then does what it is told; when it is to end it tidies up.
  await writeFile(
    context.entry,
    `import { rmSync, writeFileSync } from 'node:fs';
     import { once } from 'node:events';
     import { doWork } from ${JSON.stringify(MODULE)};
     await doWork(async ({ what, file }, say, signal) => {
       if (what === 'crash') throw process.stderr.write('it hurts'), process.exit(3);
       if (what === 'fail') throw Object.assign(new Error('no'), {});
       say({ step: 1 });
       if (what === 'wait') {
         writeFileSync(file, '');
         say({ step: 2 });
         const alive = setInterval(() => undefined, 1000);
         if (!signal.aborted) await once(signal, 'abort');
         clearInterval(alive);
         rmSync(file);
         throw signal.reason;
       }
       return { what };
     });`,
  );
});
apart.after.each(({ folder }) => rm(folder, { recursive: true, force: true }));

apart('gives its progress and its result', async ({ entry }) => {
  const progress: unknown[] = [];
  const onProgress = (each: unknown) => void progress.push(each);
  assert.equal(await workApart(entry, { what: 'result' }, { subject: 'it', onProgress }), { what: 'result' });
  assert.equal(progress, [{ step: 1 }]);
});

for (const [what, code, sentence] of [
  ['fail', 'sandbox-unavailable', /^no$/],
  ['crash', 'sandbox-unavailable', /^it could not be had; its process ended with status 3: it hurts$/],
] as const) {
  apart(`says why when it does ${what}`, async ({ entry }) => {
    const error = await workApart(entry, { what }, { subject: 'it' }).then(
      () => assert.unreachable(),
      (thrown: CloudletError) => thrown,
    );
    assert.is((error as CloudletError).code, code);
    assert.match((error as Error).message, sentence);
  });
}

apart('tidies up when it is given up', async ({ entry, folder }) => {
  const stop = new AbortController();
  const file = join(folder, 'half-made');
  const onProgress = ({ step }: { step: number }) => {
    if (step === 2) stop.abort(new Error('enough'));
  };
  const work = workApart(entry, { what: 'wait', file }, { subject: 'it', onProgress, signal: stop.signal });
  assert.is(await work.catch((error: Error) => error.message), 'enough');
  assert.not.ok(existsSync(file));
  const none = workApart(entry, { what: 'wait', file }, { subject: 'it', signal: stop.signal });
  assert.is(await none.catch((error: Error) => error.message), 'enough');
});

apart('tidies up when who started it was killed', async ({ entry, folder }) => {
  const file = join(folder, 'half-made');
  const starter = join(folder, 'starter.mjs');
  await writeFile(
    starter,
    `import { workApart } from ${JSON.stringify(MODULE)};
     await workApart(${JSON.stringify(entry)}, ${JSON.stringify({ what: 'wait', file })}, {
       subject: 'it', onProgress: ({ step }) => step === 2 && process.stdout.write('waits'),
     });`,
  );
  const child = spawn(process.execPath, [starter], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  assert.ok(existsSync(file));
  child.kill('SIGKILL');
  const until = Date.now() + 20_000;
  while (existsSync(file) && Date.now() < until) await new Promise((resolve) => setTimeout(resolve, 20));
  assert.not.ok(existsSync(file));
});

apart.run();
