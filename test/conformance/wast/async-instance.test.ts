import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type GlueState, STATE_IMPORT } from '../../../runtime/agent/glue-state.ts';
import { AsyncInstance, NeverEnded } from './async-instance.ts';
import { ExportError } from './value.ts';

const instances = suite('asynchronous instances of scripts');

const failure = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => null,
    (error: unknown) => error,
  );

/** An instance with these exports; `state` is what the glue was given. */
async function open(exports: Record<string, unknown>, callMs?: number) {
  let state: GlueState = {};
  const instance = await AsyncInstance.make(
    {},
    async (imports) => {
      state = imports[STATE_IMPORT] as GlueState;
      return (name) => exports[name];
    },
    callMs,
  );
  return { instance, state, call: (name: string) => instance.find(name)!() };
}

const never = () => new Promise<never>(() => {});

instances('give values, and typed errors as values', async () => {
  const failed = Object.assign(new Error('an error value'), { payload: 'why' });
  const { instance, call } = await open({ seven: async () => 7, fails: async () => Promise.reject(failed), number: 7 });
  assert.is(await call('seven'), 7);
  const error = await call('fails');
  assert.instance(error, ExportError);
  assert.is((error as ExportError).payload, 'why');
  assert.is(await call('seven'), 7, 'an error value is no trap');
  assert.is(instance.find('number'), undefined);
  assert.is(instance.find('none'), undefined);
});

instances('are dead after a trap', async () => {
  const { call } = await open({
    seven: async () => 7,
    traps: () => {
      throw new WebAssembly.RuntimeError('unreachable');
    },
  });
  assert.match(((await failure(call('traps'))) as Error).message, /^unreachable$/);
  assert.match(((await failure(call('seven'))) as Error).message, /has trapped before/);
});

instances('end every call when something in them dies', async () => {
  const { call, state } = await open({ waits: never });
  const calls = [call('waits'), call('waits')];
  state.died!(new WebAssembly.RuntimeError('a task trapped'));
  for (const each of calls) assert.match(((await failure(each)) as Error).message, /^a task trapped$/);
});

instances('tell a call that never ends from a trap', async () => {
  const { call } = await open({ waits: never }, 1);
  assert.instance(await failure(call('waits')), NeverEnded);
});

instances('say to the glue that the script is over', async () => {
  const { instance, state } = await open({});
  assert.is(state.ended, undefined);
  instance.end();
  assert.is(state.ended, true);
});

instances.run();
