import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { FuelGauge } from '../../../runtime/agent/fuel.ts';
import type { GlueState } from '../../../runtime/agent/glue-state.ts';
import type { GuestComponent } from '../../../runtime/agent/guest-component.ts';
import { GuestInstances } from '../../../runtime/agent/guest-instances.ts';
import { InterruptCell } from '../../../runtime/agent/interrupt-cell.ts';
import { rewriteModule } from '../../../runtime/component/rewrite/rewrite-module.ts';
import { GrantedFiles } from '../../../runtime/wasi/index.ts';
import { wat } from '../../support/wat.ts';
import { backend } from '../wasi/backend.ts';

const fuel = () => new FuelGauge(new InterruptCell(), null, 1000);

/** A component of one module whose glue, written by hand, counts instances and resets, and calls `begin` where a start function would. */
async function instancesOf(fields: string, begin: (imports: Imports) => void = () => {}) {
  const { bytes } = rewriteModule('component.core.wasm', await wat(`(module ${fields})`));
  const module = new WebAssembly.Module(bytes as Uint8Array<ArrayBuffer>);
  const seen = { made: 0, resets: 0 };
  const component: GuestComponent = {
    message: { program: 'x' } as GuestComponent['message'],
    files: new GrantedFiles([], 0),
    async instantiate(given, instantiateCore) {
      const imports = given as Imports;
      seen.made += 1;
      begin(imports);
      const { exports } = await instantiateCore(module, {});
      imports['cloudlet:state$'].reset = () => {
        seen.resets += 1;
      };
      return { ...exports, environment: () => imports['wasi:cli/environment'].getEnvironment() };
    },
  };
  return { instances: new GuestInstances(component), seen };
}

interface Imports extends Record<string, unknown> {
  'cloudlet:state$': GlueState;
  'wasi:cli/environment': { getEnvironment(): readonly (readonly [string, string])[] };
  'wasi:cli/stdout': { getStdout(): object };
  'wasi:clocks/monotonic-clock': { now(): bigint };
  'wasi:clocks/wall-clock': { now(): object };
  'wasi:filesystem/preopens': { getDirectories(): unknown[] };
  'wasi:http/types': { Fields: { new (): object; fromList(entries: []): object } };
  'wasi:random/random': { getRandomU64(): bigint };
}

const COUNTER =
  '(global $n (mut i32) (i32.const 0)) (func (export "count") (result i32) (global.set $n (i32.add (global.get $n) (i32.const 1))) (global.get $n))';
interface Counter {
  count(): number;
  environment(): unknown;
}

const test = suite('the instances of a component in a worker');

test('one serves again, as new, for other invocations', async () => {
  const { instances, seen } = await instancesOf(COUNTER);
  await instances.prepare(fuel());
  for (const name of ['first', 'second', 'third']) {
    const instance = instances.take();
    assert.not.instance(instance, Promise);
    const environment = [['NAME', name]] as const;
    (await instance).begin(backend({ environment }), fuel());
    const exports = (await (await instance).exports()) as Counter;
    assert.is(exports.count(), 1);
    assert.is(exports.environment(), environment);
    instances.giveBack(await instance);
    assert.throws(() => exports.environment(), /outside of an invocation/);
    await instances.prepare(fuel());
  }
  assert.equal(seen, { made: 1, resets: 3 });
});

test('one that is not given back is replaced ahead of need', async () => {
  const { instances, seen } = await instancesOf(COUNTER);
  await instances.prepare(fuel());
  await instances.take();
  await instances.prepare(fuel());
  assert.is(instances.ready, true);
  assert.is(seen.made, 2);
});

test('without one that is ready a new one is made', async () => {
  const { instances, seen } = await instancesOf(COUNTER);
  for (const instance of await Promise.all([instances.take(), instances.take()])) {
    instance.begin(backend(), fuel());
    assert.is(((await instance.exports()) as Counter).count(), 1);
  }
  assert.is(seen.made, 2);
});

test('who comes while one is made gets that one', async () => {
  const { instances, seen } = await instancesOf(COUNTER);
  const preparing = instances.prepare(fuel());
  await (await instances.take()).exports();
  await preparing;
  assert.is(seen.made, 1);
});

test('one that cannot be as new is made ahead for one invocation', async () => {
  const { instances, seen } = await instancesOf('(table 1 funcref) (func (table.set (i32.const 0) (ref.null func)))');
  await instances.prepare(fuel());
  assert.is(instances.ready, true);
  instances.giveBack(await instances.take());
  assert.is(instances.ready, false);
  await instances.prepare(fuel());
  assert.is(instances.ready, true);
  assert.equal(seen, { made: 2, resets: 0 });
});

for (const [what, begin] of [
  ['a random number', (imports) => imports['wasi:random/random'].getRandomU64()],
  ['the time', (imports) => imports['wasi:clocks/wall-clock'].now()],
  ['a time to measure by', (imports) => imports['wasi:clocks/monotonic-clock'].now()],
  ['its environment', (imports) => imports['wasi:cli/environment'].getEnvironment()],
  ['its directories', (imports) => imports['wasi:filesystem/preopens'].getDirectories()],
  ['a stream', (imports) => imports['wasi:cli/stdout'].getStdout()],
  ['a new resource', (imports) => new imports['wasi:http/types'].Fields()],
  ['a resource of its own', (imports) => imports['wasi:http/types'].Fields.fromList([])],
] as const satisfies [string, (imports: Imports) => unknown][]) {
  for (const [how, ask] of [
    ['', begin],
    [', also when it catches the trap', (imports: Imports) => assert.throws(() => begin(imports))],
  ] as const) {
    test(`none is kept when its initialisation asks for ${what}${how}`, async () => {
      const { instances, seen } = await instancesOf(COUNTER, ask);
      for (let times = 0; times < 10; times += 1) await instances.prepare(fuel());
      assert.is(instances.ready, false);
      assert.is(seen.made, 3);
    });
  }
}

test('one that was interrupted is made the next time, however often it was', async () => {
  const { instances } = await instancesOf('(func $f (loop (br_if 0 (i32.const 0)))) (start $f)');
  for (let times = 0; times < 10; times += 1) {
    const interrupted = fuel();
    interrupted.interrupt(times % 2 === 0 ? 'deadline-exceeded' : 'client-closed');
    await instances.prepare(interrupted);
    assert.is(instances.ready, false);
  }
  await instances.prepare(fuel());
  assert.is(instances.ready, true);
});

test('none is kept when its initialisation does not end', async () => {
  const { instances, seen } = await instancesOf('(func $f (loop (br 0))) (start $f)');
  for (let times = 0; times < 10; times += 1) {
    await instances.prepare(new FuelGauge(new InterruptCell(), null, 10));
    assert.is(instances.ready, false);
  }
  assert.is(seen.made, 3);
});

test.run();
