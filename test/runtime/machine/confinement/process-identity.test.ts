import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { isAlive, startTimeOf } from '../../../../runtime/machine/confinement/process-identity.ts';

const identity = suite('the identity of a process');

identity('is its id and its start', async () => {
  const child = spawn(process.execPath, ['-e', 'process.title = "a) (b"; console.log(); setInterval(() => {}, 1000)']);
  await once(child.stdout, 'data');
  const start = startTimeOf(child.pid!)!;
  assert.match(start, /^\d+$/);
  assert.ok(isAlive(child.pid!, start));
  assert.not.ok(isAlive(child.pid!, String(Number(start) + 1)), 'another process with the id');
  child.kill('SIGKILL');
  await once(child, 'close');
  assert.not.ok(isAlive(child.pid!, start));
  assert.is(startTimeOf(child.pid!), null);
});

identity.run();
