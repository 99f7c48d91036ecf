import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { FuelGauge } from '../../../../runtime/agent/fuel.ts';
import { type GlueState, STATE_IMPORT } from '../../../../runtime/agent/glue-state.ts';
import type { GuestComponent } from '../../../../runtime/agent/guest-component.ts';
import { InterruptCell } from '../../../../runtime/agent/interrupt-cell.ts';
import { SharedInstances } from '../../../../runtime/agent/reuse/shared-instances.ts';
import type { LoadMessage } from '../../../../runtime/agent/wire.ts';
import { DEFAULT_REUSE } from '../../../../runtime/sandbox/index.ts';
import { GrantedFiles } from '../../../../runtime/wasi/index.ts';
import { backend } from '../../wasi/backend.ts';
import { settle } from '../../wasi/p3/guest-parts.ts';

const instances = suite('instances of an asynchronous component');

const LOAD = { valueBytes: 1000 } as LoadMessage;
const gauge = (): FuelGauge => new FuelGauge(new InterruptCell(), null, 60_000);
const CALL = { door: 'call' } as const;

/** The instances of a component that counts how often it is made; `init` is what it does then. */
function open(limits: Partial<typeof DEFAULT_REUSE> = {}, init: (imports: Imports) => unknown = () => {}) {
  const made = { count: 0 };
  const component: GuestComponent = {
    message: LOAD,
    files: new GrantedFiles([], 0),
    async instantiate(imports) {
      made.count += 1;
      await init(imports as Imports);
      return { number: made.count };
    },
  };
  const all = new SharedInstances(component, { ...DEFAULT_REUSE, ...limits }, gauge);
  return { made, all, use: () => serve(all) };
}
type Imports = Record<string, Record<string, (...args: unknown[]) => unknown>>;

/** One invocation from its begin; `end` ends it. */
async function serve(all: SharedInstances, asked: Parameters<SharedInstances['take']>[0] = CALL) {
  const instance = await all.take(asked);
  const fuel = gauge();
  const deaths: string[] = [];
  const wasi = instance.begin(backend(), fuel, (reason) => deaths.push(reason));
  const exports = await instance.exports();
  const end = (returned = true, reason: string | null = null) => {
    wasi.close();
    if (returned) all.giveBack(instance);
    else all.giveUp(instance, reason);
  };
  return { instance, fuel, deaths, exports: exports as { readonly number: number }, end };
}

async function numbers(all: SharedInstances, count: number): Promise<number[]> {
  const seen: number[] = [];
  for (let at = 0; at < count; at += 1) {
    const one = await serve(all);
    seen.push(one.exports.number);
    one.end();
  }
  return seen;
}

instances('serve 128 invocations, and the 129th has another', async () => {
  const { all, made } = open();
  const seen = await numbers(all, 129);
  assert.equal([seen[0], seen[127], seen[128]], [1, 1, 2]);
  assert.is(made.count, 2);
  assert.is(all.count, 1);
});

instances('serve 16 invocations at once, and the 17th has another', async () => {
  const { use, made } = open();
  const running = await Promise.all(Array.from({ length: 16 }, use));
  assert.equal(new Set(running.map((one) => one.exports.number)), new Set([1]));
  const another = await use();
  assert.is(another.exports.number, 2);
  running[3]!.end();
  const next = await use();
  assert.is(next.exports.number, 1);
  assert.is(made.count, 2);
});

instances('are two at most: who comes meanwhile waits for one', async () => {
  const { all, use, made } = open({ atOnce: 1 });
  const [first] = [await use(), await use()];
  let third: Awaited<ReturnType<typeof use>> | null = null;
  const waiting = use().then((one) => {
    third = one;
  });
  await settle();
  assert.is(third, null);
  first.end();
  await waiting;
  assert.is(third!.exports.number, 1);
  assert.is(made.count, 2);
  assert.is(all.count, 2);
});

instances('serve nobody after an invocation that did not return, but those who are in it', async () => {
  const { all, use } = open();
  const [trapped, neighbour] = [await use(), await use()];
  trapped.end(false);
  const next = await use();
  assert.is(neighbour.exports.number, 1);
  assert.is(next.exports.number, 2);
  assert.is(all.count, 2);
  neighbour.end();
  assert.is(all.count, 1);
});

instances('that trapped take the other invocations with them, those that were left do not', async () => {
  const { use } = open();
  const [interrupted, trapped, neighbour] = [await use(), await use(), await use()];
  interrupted.end(false);
  assert.equal(neighbour.deaths, []);
  trapped.end(false, 'the function trapped: unreachable');
  assert.equal(neighbour.deaths, ['the function trapped: unreachable']);
  assert.equal(interrupted.deaths, []);
});

instances('that die of something after all have returned say so to whom they serve', async () => {
  let state: GlueState = {};
  const { use } = open({}, (imports) => {
    state = imports[STATE_IMPORT] as GlueState;
  });
  const [one, two] = [await use(), await use()];
  state.died!(new WebAssembly.RuntimeError('unreachable'));
  one.end(false, 'its own words');
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(one.deaths, []);
  assert.equal(two.deaths, ['its own words', 'the function trapped: unreachable']);
  two.end(false);
  assert.is((await use()).exports.number, 2);
});

for (const asked of [{ door: 'run' }, { door: 'call', rehearsal: true }] as const) {
  instances(`${JSON.stringify(asked)} has one of its own, that serves nobody else`, async () => {
    const { all, use, made } = open();
    const shared = await use();
    const [one, two] = [await serve(all, asked), await serve(all, asked)];
    assert.equal(
      [shared, one, two].map(({ exports }) => exports.number),
      [1, 2, 3],
    );
    one.end();
    assert.is((await use()).exports.number, 1);
    assert.is(made.count, 3);
    assert.is(all.count, 1);
  });
}

instances('are made ahead of need, unless they ask the host for something', async () => {
  const { all, made, use } = open();
  await all.prepare(gauge());
  await all.prepare(gauge());
  assert.is(made.count, 1);
  assert.is((await use()).exports.number, 1);

  const asks = open({}, (imports) => {
    try {
      imports['wasi:random/random@0.3']!['getRandomU64']!();
    } catch {
      // A guest may catch the trap.
    }
  });
  await asks.all.prepare(gauge());
  assert.is(asks.all.count, 0);
  assert.is((await asks.use()).exports.number, 2);
});

instances('that fail to be made ahead are not tried for ever', async () => {
  const { all, made } = open({}, () => {
    throw new Error('trapped');
  });
  for (let times = 0; times < 9; times += 1) await all.prepare(gauge());
  assert.is(made.count, 3);
});

instances('that cannot be made fail their invocation, and leave no instance', async () => {
  const { all } = open({}, () => {
    throw new Error('trapped');
  });
  const instance = await all.take(CALL);
  instance.begin(backend(), gauge(), () => {}).close();
  const reason = await Promise.resolve(instance.exports()).catch((error: Error) => error.message);
  assert.is(reason, 'trapped');
  all.giveUp(instance, 'trapped');
  assert.is(all.count, 0);
});

instances('that served are let go for another grant or another clone; those that did not are kept', async () => {
  const { all, use, made } = open();
  await all.prepare(gauge());
  all.renew();
  const running = await use();
  assert.is(running.exports.number, 1);
  all.renew();
  assert.is((await use()).exports.number, 2);
  running.end();
  assert.is(all.count, 1);
  assert.is(made.count, 2);
});

instances('that nobody uses for a while are replaced by a new one', async () => {
  const { all, made, use } = open({ idleMs: 0 });
  const first = await use();
  first.end();
  while (made.count < 2) await new Promise((resolve) => setImmediate(resolve));
  assert.is(all.count, 1);
  assert.is((await use()).exports.number, 2);
});

instances('give up what their guests wait for when they end', async () => {
  let imports: Imports = {};
  const { use } = open({}, (given) => {
    imports = given;
  });
  const one = await use();
  const wait = imports['wasi:clocks/monotonic-clock@0.3']!['waitFor']!(3_600_000_000_000n) as Promise<void>;
  const reason = wait.catch((error: Error) => error.message);
  one.end(false);
  assert.match(String(await reason), /the instance was closed/);
  assert.is((imports[STATE_IMPORT] as GlueState).ended, true);
});

instances.run();
