import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { FuelGauge } from '../../../runtime/agent/fuel.ts';
import { type GlueState, STATE_IMPORT } from '../../../runtime/agent/glue-state.ts';
import { GuestInstances } from '../../../runtime/agent/guest-instances.ts';
import { GuestInvocation } from '../../../runtime/agent/guest-invocation.ts';
import { WorkerUse } from '../../../runtime/agent/guest-use.ts';
import { InterruptCell } from '../../../runtime/agent/interrupt-cell.ts';
import { AskIds } from '../../../runtime/agent/outside/invocation-asks.ts';
import type { DoneMessage, LoadMessage } from '../../../runtime/agent/wire.ts';
import { GrantedFiles } from '../../../runtime/wasi/index.ts';

const LOAD: LoadMessage = {
  ...{ program: 'p', glueBytes: 0, modules: [], reuse: null, run: ['run'], http: null, functions: [] },
  ...{
    environment: [],
    arguments: [],
    configuration: [],
    valueBytes: 1000,
    cpuMs: 1000,
    memoryMib: 256,
    limits: {},
    files: null,
  },
};
const fuel = () => new FuelGauge(new InterruptCell(), null, 60_000);

const run = (invocation: GuestInvocation) => new Promise<DoneMessage>((told) => invocation.run(told));

const invocations = suite('an invocation in a worker');

invocations('that was ended while its instance was made does not run in it', async () => {
  const made = Promise.withResolvers<void>();
  const calls: string[] = [];
  const instances = new GuestInstances({
    message: LOAD,
    files: new GrantedFiles([], 0),
    async instantiate(imports) {
      await made.promise;
      (imports[STATE_IMPORT] as GlueState).reset = () => {};
      return { run: () => void calls.push('run') };
    },
  });
  const preparing = instances.prepare(fuel());
  const invoke = (id: number) => {
    const message = { door: 'run', arguments: [], deadlineMs: 60_000, input: new Uint8Array(0) } as const;
    return new GuestInvocation({ id, message }, LOAD, instances, fuel(), new AskIds(), new WorkerUse(false), () => {});
  };
  const ended = invoke(1);
  const running = run(ended);
  ended.take({ kind: 'interrupt', why: 'client-closed' });
  assert.is((await running).kind, 'failed');
  made.resolve();
  await preparing;
  await new Promise(setImmediate);
  assert.equal(calls, []);
  assert.is(instances.ready, true);
  assert.is((await run(invoke(2))).kind, 'ok');
  assert.equal(calls, ['run']);
});

invocations.run();
