import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CloudletError } from '../../../../guest-sdk/protocol/index.ts';
import { FIRST_ASK_ID } from '../../../../runtime/agent/wire.ts';
import type { OutsideRequest } from '../../../../runtime/outside/outside-service.ts';
import { versionOf } from '../../../support/fake-version.ts';
import { codeOf, EMPTY, PoolLab as Lab, RUN, settled, textOf } from '../../../support/pool-lab.ts';

const pool = suite('a pool');
let lab: Lab;
pool.after.each(() => lab.pool.close());

pool('boots a sandbox for the first call and keeps it for the next', async () => {
  lab = new Lab();
  const version = versionOf('a');
  assert.is(lab.pool.state('a').state, 'cold');
  lab.gate = async () => lab.clock.advance(50);
  const first = await lab.complete(version, 1);
  assert.equal(first.timing, { queueMs: 0, startMs: 50, start: 'boot' });
  assert.is(lab.pool.state('a').state, 'ready');
  assert.equal((await lab.complete(version, 1)).timing, { queueMs: 0, startMs: 0, start: 'idle' });
  assert.equal(lab.reported, ['m1 started a via boot', 'a prepared']);
});

pool('gives head, output, end and log of an invocation', async () => {
  lab = new Lab();
  const started = lab.pool.invoke(versionOf('a'), RUN, Buffer.from('input'), { deadlineMs: 1000, id: 'i1' });
  const { agent } = await lab.machine(1);
  const fake = await agent.next();
  assert.is(await fake.input(), 'input');
  assert.is(fake.message.deadlineMs, 1000);
  agent.say('log', fake.id, { stream: 'stderr', text: 'a line\n' });
  fake.write('out');
  const invocation = await started;
  assert.is(invocation.id, 'i1');
  assert.is(invocation.head, null);
  fake.write('put');
  fake.done(3);
  assert.is(await textOf(invocation), 'output');
  assert.equal(await invocation.done, { exitCode: 3, trailers: [], runMs: 1 });
  assert.ok(lab.reported.includes('i1 of a stderr: a line\n'));
});

pool('an invocation takes its trace to its sandbox, and says when it has a place', async () => {
  lab = new Lab();
  const trace = { traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`, tracestate: 'vendor=1' };
  const entered: string[] = [];
  const started = lab.pool.invoke(versionOf('a'), { ...RUN, ...trace }, EMPTY, {
    deadlineMs: 1000,
    entered: ({ start }) => entered.push(start),
  });
  const fake = await (await lab.machine(1)).agent.next();
  const { traceparent, tracestate } = fake.message;
  assert.equal({ traceparent, tracestate }, trace);
  assert.equal(entered, ['boot'], 'before it answers');
  fake.fail('guest-trapped');
  assert.is(await codeOf(started), 'guest-trapped');
  assert.equal(entered, ['boot']);
});

for (const [concurrency, workers, places] of [
  [2, 4, 2],
  [4, 3, 3],
] as const) {
  pool(`runs ${places} invocations at once with a grant of ${concurrency} and ${workers} workers`, async () => {
    lab = new Lab({ workers });
    const version = versionOf('a', { concurrency });
    const started = Array.from({ length: places + 1 }, () => lab.invoke(version));
    const { agent } = await lab.machine(1);
    const first = await agent.next();
    await settled();
    assert.is(agent.unasked, places - 1);
    const { running, queued } = lab.pool.load();
    assert.equal([running, queued], [places, 1]);
    lab.clock.advance(40);
    first.done();
    await settled();
    assert.is(agent.unasked, places);
    while (agent.unasked > 0) (await agent.next()).done();
    const timings = (await Promise.all(started)).map(({ timing }) => timing.queueMs);
    assert.equal(timings, [...Array(places).fill(0), 40]);
  });
}

pool('replaces a sandbox before it has lost all the workers that it can have', async () => {
  lab = new Lab({ workers: 1, lines: 3 });
  const version = versionOf('a');
  const running = lab.invoke(version);
  const { agent } = await lab.machine(1);
  const long = await agent.next();
  const waiting = lab.invoke(version);
  agent.say('renewed', 0, { worker: 0, line: 1, epoch: new Uint8Array(16) });
  // Whoever waits gets another, and what runs there ends first.
  const second = await lab.machine(2);
  (await second.agent.next()).done();
  await waiting;
  assert.not(lab.machines[0]!.closed);
  long.done();
  await (await running).done;
  await settled();
  assert.ok(lab.reported.includes('m1 closed a replaced'), lab.reported.join(', '));
});

pool('refuses what would wait behind too many, and says when to come again', async () => {
  lab = new Lab({ workers: 1, queueLength: 2 });
  const version = versionOf('a');
  const started = [lab.invoke(version)];
  const fake = await (await lab.machine(1)).agent.next();
  started.push(lab.invoke(version), lab.invoke(version));
  try {
    await lab.invoke(version);
    assert.unreachable();
  } catch (error) {
    assert.is((error as CloudletError).code, 'at-capacity');
    assert.ok((error as CloudletError).retryAfterS! > 0);
  }
  fake.done();
  for (let left = 2; left > 0; left -= 1) (await lab.machines[0]!.agent.next()).done();
  await Promise.all(started);
});

pool('does not let an invocation wait for ever', async () => {
  lab = new Lab({ workers: 1, queueMs: 300 });
  const version = versionOf('a');
  const running = lab.invoke(version);
  const fake = await (await lab.machine(1)).agent.next();
  const waiting = codeOf(lab.invoke(version));
  lab.clock.advance(300);
  assert.is(await waiting, 'at-capacity');
  fake.done();
  await running;
});

pool('forgets a waiting invocation whose caller leaves', async () => {
  lab = new Lab({ workers: 1 });
  const version = versionOf('a');
  const running = lab.invoke(version);
  const { agent } = await lab.machine(1);
  const fake = await agent.next();
  const caller = new AbortController();
  const waiting = codeOf(lab.invoke(version, EMPTY, caller.signal));
  caller.abort();
  assert.is(await waiting, 'client-closed');
  fake.done();
  await running;
  await settled();
  assert.is(agent.unasked, 0);
});

pool('evicts the sandbox that was idle longest when there are no machines left', async () => {
  lab = new Lab({ machines: 2 });
  await lab.complete(versionOf('a'), 1);
  lab.clock.advance(10);
  await lab.complete(versionOf('b'), 2);
  lab.clock.advance(10);
  await lab.complete(versionOf('a'), 1);
  await lab.complete(versionOf('c'), 3);
  assert.ok(lab.machines[1]!.closed);
  assert.ok(lab.reported.includes('m2 closed b evicted'));
  assert.not(lab.machines[0]!.closed);
  assert.is(lab.pool.state('b').state, 'cold');
});

pool('makes a version wait for a machine while all are busy, and gives it the first that is idle', async () => {
  lab = new Lab({ machines: 1 });
  const running = lab.invoke(versionOf('a'));
  const fake = await (await lab.machine(1)).agent.next();
  const waiting = lab.invoke(versionOf('b'));
  await settled();
  assert.is(lab.machines.length, 1);
  lab.clock.advance(70);
  fake.done();
  (await (await lab.machine(2)).agent.next()).done();
  await running;
  const { timing } = await waiting;
  assert.is(timing.queueMs, 70);
  assert.is(timing.start, 'boot');
});

pool('closes a sandbox that was idle long enough', async () => {
  lab = new Lab({ idleMs: 1000 });
  const version = versionOf('a');
  await lab.complete(version, 1);
  lab.clock.advance(600);
  await lab.complete(version, 1);
  lab.clock.advance(600);
  await settled();
  assert.not(lab.machines[0]!.closed);
  lab.clock.advance(400);
  await settled();
  assert.ok(lab.machines[0]!.closed);
  assert.equal(lab.reported.at(-1), 'm1 closed a idle');
  assert.is((await lab.complete(version, 2)).timing.start, 'boot');
});

pool('retries in another sandbox what was running when its machine was lost, with the same input', async () => {
  lab = new Lab();
  async function* input() {
    yield Buffer.from('first, ');
    yield Buffer.from('second');
  }
  const fromBytes = lab.invoke(versionOf('a'), Buffer.from('whole'));
  const fromStream = lab.invoke(versionOf('a'), input());
  const machine = await lab.machine(1);
  await (await machine.agent.next()).input();
  await (await machine.agent.next()).input();
  machine.die(null, 'SIGKILL');
  const { agent } = await lab.machine(2);
  const retried = [await agent.next(), await agent.next()];
  assert.equal((await Promise.all(retried.map((each) => each.input()))).sort(), ['first, second', 'whole']);
  for (const each of retried) {
    each.write('done');
    each.done();
  }
  assert.is(await textOf(await fromBytes), 'done');
  assert.is(await textOf(await fromStream), 'done');
  assert.ok(lab.reported.includes('m1 closed a poisoned'));
});

pool('goes on with an input that was still coming when its machine was lost', async () => {
  lab = new Lab();
  const more = Promise.withResolvers<void>();
  async function* input() {
    yield Buffer.from('first, ');
    await more.promise;
    yield Buffer.from('second');
  }
  const started = lab.invoke(versionOf('a'), input());
  const machine = await lab.machine(1);
  const lost = await machine.agent.next();
  await settled();
  assert.is(lost.inputBytes, 7);
  machine.die(1, null);
  const retried = await (await lab.machine(2)).agent.next();
  more.resolve();
  assert.is(await retried.input(), 'first, second');
  retried.done();
  await started;
});

pool('a retry has what is left of the deadline', async () => {
  lab = new Lab();
  const started = lab.invoke(versionOf('a'));
  const machine = await lab.machine(1);
  assert.is((await machine.agent.next()).message.deadlineMs, 1000);
  lab.clock.advance(400);
  machine.die(null, 'SIGKILL');
  const retried = await (await lab.machine(2)).agent.next();
  assert.is(retried.message.deadlineMs, 600);
  retried.done();
  await started;
});

for (const [service, retried] of [
  ['echo', false],
  ['absent', true],
] as const) {
  pool(`${retried ? 'retries' : 'does not retry'} what has asked for ${service}`, async () => {
    lab = new Lab();
    const outside = () => ({ echo: async ({ args }: OutsideRequest) => ({ value: args }) });
    const started = lab.invoke(versionOf('a', { outside }));
    const machine = await lab.machine(1);
    (await machine.agent.next()).ask(FIRST_ASK_ID, service);
    await settled();
    assert.is(machine.agent.answers.length, 1);
    machine.die(null, 'SIGKILL');
    if (retried) {
      (await (await lab.machine(2)).agent.next()).done();
      await started;
    } else {
      assert.is(await codeOf(started), 'machine-failed');
      assert.is(lab.machines.length, 1);
    }
  });
}

pool('asks for the services of a version in each invocation, and reports one that fails', async () => {
  lab = new Lab();
  let granted = 0;
  const outside = () => {
    granted += 1;
    const failing = async () => {
      throw new Error('no disk');
    };
    return granted === 1 ? {} : { failing };
  };
  const version = versionOf('a', { outside });
  for (const [at, code] of ['refused', 'internal'].entries()) {
    const started = lab.invoke(version);
    const { agent } = await lab.machine(1);
    const fake = await agent.next();
    fake.ask(FIRST_ASK_ID, 'failing');
    await settled();
    assert.is((agent.answers[at] as { readonly code: string }).code, code);
    fake.done();
    await started;
  }
  assert.is(granted, 2);
  assert.ok(lab.reported.includes('failing of a failed: no disk'));
});

pool('does not retry twice', async () => {
  lab = new Lab();
  const started = codeOf(lab.invoke(versionOf('a')));
  for (const number of [1, 2]) {
    const machine = await lab.machine(number);
    await machine.agent.next();
    machine.die(1, null);
  }
  assert.is(await started, 'machine-failed');
  assert.is(lab.machines.length, 2);
});

pool('does not retry what has begun to answer', async () => {
  lab = new Lab();
  const started = lab.invoke(versionOf('a'));
  const machine = await lab.machine(1);
  (await machine.agent.next()).write('a byte');
  const invocation = await started;
  machine.die(1, null);
  assert.is(await codeOf(textOf(invocation)), 'machine-failed');
  assert.is(await codeOf(invocation.done), 'machine-failed');
  assert.is(lab.machines.length, 1);
});

pool('does not retry what has streamed more input than is kept', async () => {
  lab = new Lab();
  async function* input() {
    for (let sent = 0; sent < 20; sent += 1) yield new Uint8Array(100_000);
  }
  const started = codeOf(lab.invoke(versionOf('a'), input()));
  const machine = await lab.machine(1);
  await (await machine.agent.next()).input();
  machine.die(1, null);
  assert.is(await started, 'machine-failed');
});

pool('does not retry what may not be repeated, unless it had not begun', async () => {
  lab = new Lab();
  lab.idempotent = false;
  const begun = codeOf(lab.invoke(versionOf('a')));
  const machine = await lab.machine(1);
  await machine.agent.next();
  machine.die(1, null);
  assert.is(await begun, 'machine-failed');
  assert.is(lab.machines.length, 1);
  const started = lab.invoke(versionOf('a'));
  const lost = await lab.machine(2);
  lost.die(1, null);
  (await (await lab.machine(3)).agent.next()).done();
  assert.is((await started).timing.start, 'boot');
});

for (const [method, machines] of [
  ['GET', 2],
  ['POST', 1],
] as const) {
  pool(
    `${machines === 2 ? 'retries' : 'does not retry'} a ${method} of which nobody said that it may be repeated`,
    async () => {
      lab = new Lab();
      lab.idempotent = false;
      const request = { door: 'http', method, scheme: 'http', authority: 'localhost', path: '/', headers: [] } as const;
      const started = codeOf(lab.invoke(versionOf('a'), EMPTY, undefined, request));
      for (let number = 1; number <= machines; number += 1) {
        const machine = await lab.machine(number);
        await machine.agent.next();
        machine.die(1, null);
      }
      assert.is(await started, 'machine-failed');
      assert.is(lab.machines.length, machines);
    },
  );
}

pool('tries a start again when its machine was lost, once', async () => {
  lab = new Lab();
  const { gate } = lab;
  let tries = 0;
  lab.gate = async () => {
    tries += 1;
    throw new CloudletError('machine-failed', 'QEMU ended by SIGKILL');
  };
  assert.is(await codeOf(lab.invoke(versionOf('a'))), 'machine-failed');
  assert.is(tries, 2);
  lab.gate = async () => {
    lab.gate = gate;
    throw new CloudletError('machine-failed', 'QEMU ended by SIGKILL');
  };
  await lab.complete(versionOf('a'), 1);
});

pool(
  'serves with the sandboxes it has while a further one cannot be started, and does not try without pause',
  async () => {
    lab = new Lab({ sandboxes: 2, patienceMs: 10 });
    const version = versionOf('a', { concurrency: 1 });
    const running = [lab.invoke(version), lab.invoke(version)];
    const { agent } = await lab.machine(1);
    const first = await agent.next();
    lab.gate = async () => {
      throw new CloudletError('sandbox-unavailable', 'no memory');
    };
    await lab.pass(500, 10);
    assert.is(lab.source.started.length, 2);
    assert.equal(lab.reported.filter((line) => line === 'no start for a').length, 1);
    first.done();
    (await agent.next()).done();
    await Promise.all(running);
  },
);

pool('does not retry what the guest did', async () => {
  lab = new Lab();
  const started = codeOf(lab.invoke(versionOf('a')));
  const { agent } = await lab.machine(1);
  (await agent.next()).fail('guest-trapped');
  assert.is(await started, 'guest-trapped');
  assert.is(agent.unasked, 0);
  assert.is(lab.pool.state('a').state, 'ready');
});

pool('tells everyone who waits when no sandbox can be started, and tries again for the next', async () => {
  lab = new Lab();
  const { gate } = lab;
  lab.gate = async () => {
    throw new CloudletError('sandbox-unavailable', 'there is no QEMU; run "apt-get install qemu-system-x86"');
  };
  const version = versionOf('a');
  assert.equal(await Promise.all([codeOf(lab.invoke(version)), codeOf(lab.invoke(version))]), [
    'sandbox-unavailable',
    'sandbox-unavailable',
  ]);
  assert.equal(lab.pool.state('a'), {
    state: 'failed',
    reason: 'there is no QEMU; run "apt-get install qemu-system-x86"',
  });
  lab.gate = gate;
  await lab.complete(version, 1);
  assert.is(lab.pool.state('a').state, 'ready');
});

pool('passes on why a translated component could not be read', async () => {
  lab = new Lab();
  const version = versionOf('a', {
    artifact: async () => {
      throw new CloudletError('storage-corrupt', 'the blob is not what its name says');
    },
  });
  assert.is(await codeOf(lab.invoke(version)), 'storage-corrupt');
  await settled();
  assert.ok(lab.machines[0]!.closed);
});

pool('closes a sandbox that could not take its component', async () => {
  lab = new Lab({ loadError: 'a module that does not compile' });
  assert.is(await codeOf(lab.invoke(versionOf('a'))), 'machine-failed');
  await settled();
  assert.ok(lab.machines[0]!.closed);
  assert.match(lab.pool.state('a').reason ?? '', 'does not compile');
});

pool('lets a version go: the running end well, the waiting are told, the sandbox is closed', async () => {
  lab = new Lab({ workers: 1 });
  const version = versionOf('a');
  const running = lab.invoke(version);
  const fake = await (await lab.machine(1)).agent.next();
  const waiting = codeOf(lab.invoke(version));
  lab.pool.drop('a');
  assert.is(await waiting, 'version-unknown');
  assert.not(lab.machines[0]!.closed);
  fake.done();
  await (await running).done;
  await settled();
  assert.ok(lab.machines[0]!.closed);
  assert.is(lab.reported.at(-1), 'm1 closed a removed');
  assert.equal(lab.pool.sandboxes(), []);
});

pool('lets a version go whose sandbox is still being started', async () => {
  lab = new Lab();
  const gate = Promise.withResolvers<void>();
  lab.gate = () => gate.promise;
  const waiting = codeOf(lab.invoke(versionOf('a')));
  lab.pool.drop('a');
  assert.is(await waiting, 'version-unknown');
  gate.resolve();
  await settled();
  assert.ok(lab.machines[0]!.closed);
});

pool('prewarms a version when there is room, and evicts nothing for it', async () => {
  lab = new Lab({ machines: 1 });
  await lab.pool.prewarm(versionOf('a'));
  assert.is(lab.pool.state('a').state, 'ready');
  assert.is((await lab.complete(versionOf('a'), 1)).timing.start, 'idle');
  await lab.pool.prewarm(versionOf('b'));
  assert.is(lab.pool.state('b').state, 'cold');
  assert.is(lab.machines.length, 1);
});

pool('prewarms, then prepares, and tells of each; forgets what was kept when the version goes', async () => {
  lab = new Lab();
  const gate = Promise.withResolvers<void>();
  lab.source.preparing = () => gate.promise;
  await lab.pool.prewarm(versionOf('a'));
  await settled();
  assert.equal(lab.reported, ['m1 started a via boot']);
  assert.equal(lab.source.prepared, ['a']);
  gate.resolve();
  await settled();
  assert.equal(lab.reported.slice(1), ['a prepared']);
  lab.pool.drop('a');
  await settled();
  assert.equal(lab.source.forgotten, ['a']);
});

pool(
  'prepares one version at a time, only while nobody waits for a start, and not who starts from its snapshot',
  async () => {
    lab = new Lab();
    const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    lab.source.preparing = () => gates[lab.source.prepared.length - 1]!.promise;
    const start = Promise.withResolvers<void>();
    await lab.pool.prewarm(versionOf('a'));
    await lab.complete(versionOf('b'), 2);
    assert.equal(lab.source.prepared, ['a']);
    lab.gate = () => start.promise;
    const waiting = lab.invoke(versionOf('c'));
    gates[0]!.resolve();
    await settled();
    assert.equal(lab.source.prepared, ['a']);
    lab.source.via = 'function-clone';
    start.resolve();
    (await (await lab.machine(3)).agent.next()).done();
    assert.is((await waiting).timing.start, 'function-clone');
    await settled();
    assert.equal(lab.source.prepared, ['a', 'b']);
    gates[1]!.resolve();
    await settled();
    assert.equal(lab.source.prepared, ['a', 'b']);
  },
);

pool('goes on without a snapshot that cannot be made, and says why', async () => {
  lab = new Lab({ idleMs: 1000 });
  lab.source.preparing = async () => {
    throw new Error('no space left on device');
  };
  await lab.complete(versionOf('a'), 1);
  assert.equal(lab.reported.at(-1), 'a troubled: its snapshot could not be made: no space left on device');
  await lab.pass(1000);
  await lab.complete(versionOf('a'), 2);
  // Not at every start: what is wrong now will be wrong in a moment.
  assert.equal(lab.source.prepared, ['a']);
  await lab.pass(60_000, 1000);
  await lab.complete(versionOf('a'), 3);
  assert.equal(lab.source.prepared, ['a', 'a']);
});

pool('says nothing of a version that cannot be prepared', async () => {
  lab = new Lab();
  lab.source.preparable = false;
  await lab.complete(versionOf('a'), 1);
  await settled();
  assert.equal(lab.source.prepared, ['a']);
  assert.equal(lab.reported, ['m1 started a via boot']);
});

pool('forgets a version only when what is being prepared for it has ended', async () => {
  lab = new Lab();
  const gate = Promise.withResolvers<void>();
  lab.source.preparing = () => gate.promise;
  await lab.pool.prewarm(versionOf('a'));
  await settled();
  lab.pool.drop('a');
  await settled();
  assert.equal(lab.source.forgotten, []);
  gate.resolve();
  await settled();
  assert.equal(lab.source.forgotten, ['a']);
  assert.not(lab.reported.includes('a prepared'));
});

pool('cancels inside the guest what its caller left', async () => {
  lab = new Lab();
  const caller = new AbortController();
  const running = codeOf(lab.invoke(versionOf('a'), EMPTY, caller.signal));
  const fake = await (await lab.machine(1)).agent.next();
  caller.abort();
  assert.is(await running, 'client-closed');
  await fake.cancelled;
  assert.is(lab.pool.load().running, 1);
  fake.fail('client-closed');
  await settled();
  assert.equal([lab.pool.load().running, lab.states()], [0, ['a ready']]);
});

pool('closes: the waiting are told, machines end, nothing more is taken', async () => {
  lab = new Lab({ workers: 1 });
  const version = versionOf('a');
  await settled();
  const running = codeOf(lab.invoke(version).then((invocation) => invocation.done));
  await (await lab.machine(1)).agent.next();
  const waiting = codeOf(lab.invoke(version));
  await settled();
  await lab.pool.close();
  assert.is(await waiting, 'draining');
  assert.ok(['machine-failed', 'draining'].includes(await running));
  assert.ok(lab.machines.every(({ closed }) => closed));
  assert.is(lab.reported.at(-1), 'm1 closed a drain');
  assert.is(await codeOf(lab.invoke(version)), 'draining');
  await lab.pool.close();
});

pool('closes while a machine is being started', async () => {
  lab = new Lab();
  const gate = Promise.withResolvers<void>();
  lab.gate = () => gate.promise;
  const waiting = codeOf(lab.invoke(versionOf('a')));
  const closing = lab.pool.close();
  assert.is(await waiting, 'draining');
  gate.resolve();
  await closing;
  assert.ok(lab.machines.every(({ closed }) => closed));
});

pool('replaces a sandbox whose agent breaks the rules of the wire', async () => {
  lab = new Lab();
  const version = versionOf('a');
  await lab.complete(version, 1);
  lab.machines[0]!.agent.say('done', 4711, { kind: 'ok', exitCode: 0, runMs: 0 });
  await settled();
  assert.ok(lab.machines[0]!.closed);
  await lab.complete(version, 2);
});

pool.run();
