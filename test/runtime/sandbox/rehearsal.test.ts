import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { WitFunction, WitType } from '../../../guest-sdk/protocol/index.ts';
import { FIRST_ASK_ID } from '../../../runtime/agent/wire.ts';
import type { ArtifactManifest } from '../../../runtime/component/artifact.ts';
import { startSandbox } from '../../../runtime/sandbox/index.ts';
import { rehearsalsOf, rehearse } from '../../../runtime/sandbox/rehearsal.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { type FakeInvocation, FakeMachine } from '../../support/fake-machine.ts';
import { EMPTY_ARTIFACT, grantOf } from '../../support/fake-version.ts';

const plan = suite('the rehearsals of a component');

const taking = (name: string, ...types: readonly WitType[]) => {
  const params = types.map((type, at) => ({ name: `p${at}`, type }));
  const wit: WitFunction = { name, interface: null, function: name, params, result: null, async: false };
  return { wit, path: [name] };
};
const MANY = Array.from({ length: 50 }, (_, at) => `f${at}`);
const NONE = { run: null, http: null, functions: [] };

for (const [what, manifest, expected] of [
  ['are none without a door', NONE, []],
  ['run a command without arguments', { ...NONE, run: ['run'] }, ['run']],
  ['ask an http function for its root', { ...NONE, http: ['handle'] }, ['http GET /']],
  ['take every door', { run: ['run'], http: ['handle'], functions: [taking('f')] }, ['http GET /', 'run', 'call f']],
  [
    'call the first functions of many',
    { ...NONE, functions: MANY.map((name) => taking(name)) },
    MANY.slice(0, 40).map((name) => `call ${name}`),
  ],
  [
    'leave out what cannot be called',
    { ...NONE, functions: [taking('a', { kind: 'unsupported', what: 'stream' }), taking('b')] },
    ['call b'],
  ],
] as const) {
  plan(what, () => {
    const said = rehearsalsOf(manifest).map(({ request }) => {
      if (request.door === 'http') return `http ${request.method} ${request.path}`;
      return request.door === 'call' ? `call ${request.target}` : 'run';
    });
    assert.equal(said, expected);
  });
}

const performed = suite('a rehearsal');

const WORKERS = 2;
const MANIFEST = { ...EMPTY_ARTIFACT.manifest, run: ['run'], functions: [taking('f')] };

/** Rehearses in a sandbox whose agent does with each invocation as the test says; gives how many there were and how it ended. */
async function rehearseWith(
  act: (invocation: FakeInvocation, machine: FakeMachine, clock: FakeClock) => void,
  manifest: ArtifactManifest = MANIFEST,
) {
  const machine = new FakeMachine('m', { workers: WORKERS });
  const clock = new FakeClock();
  const sandbox = await startSandbox({ kind: 'process', clock, startMachine: async () => machine });
  await sandbox.load({ program: 'p', artifact: EMPTY_ARTIFACT, grant: grantOf(WORKERS) });
  let count = 0;
  const serve = async () => {
    for (;;) {
      const invocation = await machine.agent.next();
      count += 1;
      act(invocation, machine, clock);
    }
  };
  void serve();
  const end = await rehearse(sandbox, manifest).then(
    () => 'done',
    (error: Error) => error.message,
  );
  const { state, running, served } = sandbox;
  assert.is(served, 0);
  await sandbox.close();
  return { count, end, state, running };
}

for (const [what, rounds, act] of [
  ['that answers', 3, (invocation: FakeInvocation) => invocation.done()],
  [
    'that writes much',
    3,
    (invocation: FakeInvocation) => {
      invocation.write('x'.repeat(100_000));
      invocation.done(3);
    },
  ],
  ['that traps', 3, (invocation: FakeInvocation) => invocation.fail('guest-trapped')],
  ['that uses up its deadline, once,', 1, (invocation: FakeInvocation) => invocation.fail('deadline-exceeded')],
  [
    'that goes on until it is told to end, once,',
    1,
    (invocation: FakeInvocation, _: FakeMachine, clock: FakeClock) => {
      void invocation.cancelled.then(() => invocation.fail('deadline-exceeded'));
      clock.advance(2600); // Both workers together: past the deadline, and not past the time to confirm its end.
    },
  ],
] as const) {
  performed(`of a function ${what} goes to its end, in every worker`, async () => {
    const { count, end, state, running } = await rehearseWith(act);
    assert.is(end, 'done');
    // Two doors.
    assert.is(count, 2 * rounds * WORKERS);
    assert.is(state, 'ready');
    assert.is(running, 0);
  });
}

performed('of a function that takes something gives it ones and zeros by turns', async () => {
  const given: string[] = [];
  const manifest = { ...EMPTY_ARTIFACT.manifest, run: null, functions: [taking('f', { kind: 'string' })] };
  const { count } = await rehearseWith((invocation) => {
    void invocation.input().then((input) => {
      given.push(input.endsWith('a') ? 'one' : 'zero');
      invocation.done();
    });
  }, manifest);
  assert.is(count, 3 * WORKERS);
  assert.equal(given, ['one', 'one', 'zero', 'zero', 'one', 'one']);
});

performed('reaches nothing outside of its machine', async () => {
  let machine: FakeMachine | null = null;
  let asked = 0;
  const { count } = await rehearseWith(async (invocation, its) => {
    machine = its;
    invocation.ask(FIRST_ASK_ID, 'keyvalue.set');
    const number = ++asked;
    while (its.agent.answers.length < number) await new Promise(setImmediate);
    invocation.done();
  });
  const { answers } = machine!.agent;
  assert.is(answers.length, count);
  assert.ok(answers.every((answer) => (answer as { readonly code: string }).code === 'refused'));
});

performed('whose machine ends fails', async () => {
  const { end, count } = await rehearseWith((_, machine) => machine.die(1, null));
  assert.match(end, /^the sandbox is (poisoned|closed): the machine ended with status 1/);
  assert.ok(count <= WORKERS);
});

plan.run();
performed.run();
