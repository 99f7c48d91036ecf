import { spawnSync } from 'node:child_process';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { setAside } from '../../../../runtime/provision/recipe/set-aside.ts';
import { BRING_BACK_PROGRAM, SET_ASIDE_PROGRAM } from '../../../../runtime/provision/recipe/set-aside-program.ts';
import { systemClock } from '../../../../runtime/sandbox/clock.ts';
import type { RelayJob } from '../../../../runtime/vm/vm.ts';

const MIB = 2 ** 20;

const aside = suite('memory that is set aside');

/** All that is run in a VM where it can be done. */
async function commands(): Promise<string[]> {
  const all: string[] = [];
  const run = async ({ command, output }: RelayJob): Promise<number> => {
    all.push(command);
    output?.(Buffer.from(command.startsWith('grep') ? 'yes\n' : 'aside\n'));
    return 0;
  };
  const context = { relay: { run }, clock: systemClock, signal: new AbortController().signal, say: () => undefined };
  const limits = { cpus: 1, diskMib: 64, leaseS: 60, connections: 8 };
  await setAside({ growthBytes: async () => 0 }, { limits }, context, async () => undefined);
  assert.is(all.length, 3);
  return all;
}

/** What is done in a VM that answers so, whose disk may grow by 64 MiB. */
async function steps(answers: Readonly<Record<string, string>>, growthBytes = 0): Promise<string[]> {
  const done: string[] = [];
  const run = async ({ command, environment, input, output }: RelayJob): Promise<number> => {
    const word = command.split(' ')[0]!;
    done.push(command.startsWith('perl') ? command : word);
    if (input !== undefined) assert.equal(environment, { BRING_BACK: BRING_BACK_PROGRAM });
    for await (const bytes of input ?? []) assert.is(Buffer.from(bytes).toString(), SET_ASIDE_PROGRAM);
    output?.(Buffer.from(answers[word] ?? ''));
    return 0;
  };
  const context = {
    ...{ relay: { run }, clock: systemClock, signal: new AbortController().signal },
    say: (lines: string) => assert.unreachable(`it says ${lines}`),
  };
  const limits = { cpus: 1, diskMib: 64, leaseS: 60, connections: 8 };
  await setAside({ growthBytes: async () => growthBytes }, { limits }, context, async () => void done.push('ask'));
  return done;
}

const program = (mostBytes: number) => `perl - /var/cache/cloudlet.swap ${16 * MIB} ${mostBytes} "$BRING_BACK"; :`;

aside('comes back as far as the server needs it to answer, and no neighbour with it', async () => {
  const done = await steps({ grep: 'yes\n', perl: 'aside\n' });
  assert.equal(done, ['grep', program(56 * MIB), 'ask', 'echo']);
});

aside('has no more of the disk than is left of what it may grow by', async () => {
  assert.equal((await steps({ grep: 'yes\n' }, 40 * MIB))[1], program(16 * MIB));
  assert.equal((await steps({ grep: 'yes\n' }, 60 * MIB))[1], program(0));
});

aside('stays where it is where that cannot be done', async () => {
  assert.equal(await steps({}), ['grep']);
  for (const said of ['', '/var/cache/cloudlet.swap: No space left on device\n'])
    assert.equal(await steps({ grep: 'yes\n', perl: said }), ['grep', program(56 * MIB)]);
});

for (const [name, text] of Object.entries({ BRING_BACK_PROGRAM, SET_ASIDE_PROGRAM })) {
  const compiles = spawnSync('perl', ['-v']).error === undefined ? aside : aside.skip;
  compiles(`has ${name} in words that Perl knows`, () => {
    const { status, stderr } = spawnSync('perl', ['-c', '-'], { input: text, encoding: 'utf8' });
    assert.is(stderr, '- syntax OK\n');
    assert.is(status, 0);
  });
}

aside('asks nothing of a VM that may fail its recipe', async () => {
  for (const command of await commands()) assert.match(command, /; :$/);
});

aside.run();
