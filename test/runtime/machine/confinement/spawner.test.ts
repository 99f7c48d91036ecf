import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { findHardening } from '../../../../runtime/machine/confinement/hardening.ts';
import { LAYERS, planWords } from '../../../../runtime/machine/confinement/plan.ts';
import { programFiles } from '../../../../runtime/machine/confinement/program-file.ts';

/** A user who is nobody, on every Linux. */
const NOBODY = 65_534;

/** Starts the spawner with a plan; descriptor 4 is a socket to us. */
async function follow(words: readonly string[], user?: number) {
  const { spawner } = await programFiles();
  const child = spawn('/proc/self/fd/3', [...words], {
    ...{ cwd: '/', env: {}, stdio: ['ignore', 'pipe', 'pipe', spawner.fd, 'pipe'] },
    ...(user === undefined ? {} : { uid: user, gid: user }),
  });
  const said = { text: '' };
  const report = child.stdio[4] as Duplex;
  for (const stream of [child.stdout!, child.stderr!, report]) stream.on('data', (text) => (said.text += text));
  return { child, said, report, end: once(child, 'close') as Promise<[number | null, string | null]> };
}

const parent = ['parent', String(process.pid)];

const spawner = suite('the spawner');

for (const [plan, line] of [
  [[], 'failed plan 22'],
  [['nonsense', 'x', 'y'], 'failed nonsense x 22'],
  [['unshare'], 'failed unshare 22'],
  [['unshare', 'everything'], 'failed unshare everything 22'],
  [['turns', '0'], 'failed turns 0 22'],
  [['limit', '4'], 'failed limit 4 22'],
  [['limit', '4', '-1'], 'failed limit 4 22'],
  [['parent', '1', 'tie'], 'failed parent 1 3'],
  [['tie'], 'failed tie 3'],
  [['run', '/none'], 'failed run /none 2'],
  [['report', '99'], 'failed report 99 9'],
  [['data', '1'], 'failed data 1 29'],
  [['data', '99'], 'failed data 99 9'],
] as const) {
  spawner(`ends at the first step that fails, and names it: ${plan.join(' ') || 'nothing'}`, async () => {
    const { said, end } = await follow(plan);
    assert.equal(await end, [125, null]);
    assert.is(said.text, `${line}\n`);
  });
}

spawner('says failures where it is told to, and that of the program where people look', async () => {
  const { child, said, report, end } = await follow(['report', '4', ...parent, 'tie', 'ready', 'run', '/none']);
  await once(report, 'data');
  assert.is(said.text, `pid ${child.pid}\nready 0\n`.slice(0, said.text.length));
  report.end('.');
  assert.equal(await end, [125, null]);
  assert.match(said.text, 'failed run /none 2\n');
});

spawner('runs nothing when its parent lets go before it gave its word', async () => {
  const { report, said, end } = await follow(['report', '4', ...parent, 'tie', 'ready', 'run', '/bin/echo', 'started']);
  report.end();
  assert.equal(await end, [125, null]);
  assert.not.match(said.text, 'started');
});

spawner('gives a program nothing of its own', async () => {
  const { said, end } = await follow([
    'close',
    '3',
    ...parent,
    'tie',
    'run',
    '/bin/sh',
    '-c',
    '[ -e /proc/$$/fd/3 ] || echo closed',
  ]);
  assert.equal(await end, [0, null]);
  assert.match(said.text, 'closed');
});

spawner('confines the machines of an ordinary user, too', async () => {
  const { facts } = await findHardening('/bin/sh');
  const layers = LAYERS.filter((layer) => layer !== 'user');
  const nobody = { ...facts, layers, uid: NOBODY, gid: NOBODY, groups: [], fileBytes: 2 ** 20 };
  const script =
    'while read -r line; do echo "$line"; done < /proc/self/status; echo /*; [ -e /etc/passwd ] || echo nothing';
  const run = async (user: number | undefined) => {
    const { said, end } = await follow([...planWords(nobody), 'run', '/bin/sh', '-c', script], user);
    return [await end, said.text] as const;
  };
  const [[status], text] = await run(process.getuid?.() === 0 ? NOBODY : undefined);
  // A computer that forbids user namespaces says so: then the layers are told as missing.
  if (status === 125) return assert.match(text, /failed (unshare user|map|unshare \w+|fork|proc|begin-root)/);
  assert.is(status, 0, text);
  assert.match(text, /CapEff:\s0{16}/);
  assert.match(text, /NoNewPrivs:\s1/);
  assert.match(text, /\nnothing\n/);
});

spawner.run();
