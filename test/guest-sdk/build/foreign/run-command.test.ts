import { readFile } from 'node:fs/promises';
import { setImmediate as turn } from 'node:timers/promises';
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
  // It goes with the group, when its turn comes; whoever inherits it may not have asked for its end yet.
  const state = () => readFile(`/proc/${left}/stat`, 'utf8').catch(() => ') Z');
  while (!/\) Z/.test(await state())) await turn();
});

commands.run();
