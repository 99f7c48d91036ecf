import { readFile } from 'node:fs/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { runCommand } from '../../../../guest-sdk/build/foreign/run-command.ts';

const commands = suite("a program's own build");

commands('is not waited for beyond its end by what it left in the background', async () => {
  let left = 0;
  const end = await runCommand('sleep 600 & echo "left $!"; echo made', {
    ...{ cwd: '/', bin: '/nowhere', environment: {}, signal: undefined },
    onLine: (line) => {
      left = Number(/^left (\d+)/.exec(line)?.[1] ?? left);
    },
  });
  assert.equal([end.status, end.tail.at(-1)], [0, 'made']);
  // Whoever inherits it may not have asked for its end yet.
  const state = await readFile(`/proc/${left}/stat`, 'utf8').catch(() => ') Z');
  assert.match(state, /\) Z/, 'it goes with the group');
});

commands.run();
