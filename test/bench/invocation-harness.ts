/**
 * Invocations with and without what limits them: as a worker runs them, in this thread, so that nothing is hidden behind the rest; and in
 * a real sandbox, as callers have them.
 */

import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { digestOfHex } from '../../guest-sdk/protocol/index.ts';
import { FuelGauge } from '../../runtime/agent/fuel.ts';
import { renewableGlue } from '../../runtime/agent/glue-state.ts';
import { GLUE_TABLES, TABLES_IMPORT } from '../../runtime/agent/glue-tables.ts';
import type { Instantiate } from '../../runtime/agent/guest-component.ts';
import { GuestInstances } from '../../runtime/agent/guest-instances.ts';
import { GuestInvocation } from '../../runtime/agent/guest-invocation.ts';
import { WorkerUse } from '../../runtime/agent/guest-use.ts';
import { InterruptCell } from '../../runtime/agent/interrupt-cell.ts';
import { budgetLifts } from '../../runtime/agent/lift-budget.ts';
import { AskIds } from '../../runtime/agent/outside/invocation-asks.ts';
import type { DoneMessage, InvokeRequest, LoadMessage } from '../../runtime/agent/wire.ts';
import { transpile } from '../../runtime/component/transpile.ts';
import { startSandbox } from '../../runtime/sandbox/index.ts';
import { GrantedFiles } from '../../runtime/wasi/index.ts';
import { finish, startTestProcess, TEST_GRANT } from '../support/sandbox-lab.ts';

const DEADLINE_MS = 60_000;
/** Less than the deadline, so that it is looked at. */
const CPU_MS = 30_000;
const VALUE_BYTES = 16 * 1024 * 1024;
const NO_DIGEST = digestOfHex('0'.repeat(64));

/** A component that is ready to run. */
export interface Harness {
  /** Runs one invocation to its end and makes the instance ready for the next; throws when it fails. */
  readonly run: (request: InvokeRequest, input: Uint8Array) => Promise<void>;
  /** Processor time that all who have a part in it have used so far, milliseconds: what others do on a shared computer takes none of that. */
  readonly usedMs: () => number;
  readonly close: () => Promise<void>;
}

/** In a process sandbox with one worker, with `limits` or without fuel and processor time. */
export async function sandboxHarness(component: Uint8Array, limits: boolean): Promise<Harness> {
  const artifact = await transpile(component, NO_DIGEST, { meter: limits });
  const sandbox = await startSandbox({ kind: 'process', startMachine: () => startTestProcess(1) });
  const cpuMs = limits ? CPU_MS : DEADLINE_MS;
  const grant = { ...TEST_GRANT, limits: { ...TEST_GRANT.limits, valueBytes: VALUE_BYTES, cpuMs } };
  await sandbox.load({ program: 'bench', artifact, grant });
  const options = { deadlineMs: DEADLINE_MS, log: () => {} };
  return {
    run: async (request, input) => {
      await finish(sandbox.invoke(request, input, options));
    },
    usedMs: () => {
      const { user, system } = process.cpuUsage();
      return (user + system) / 1000 + processMs(sandbox.pid);
    },
    close: () => sandbox.close(),
  };
}

/** Time on a processor of all threads of a process, milliseconds. */
function processMs(pid: number): number {
  const threads = readdirSync(`/proc/${pid}/task`);
  const ran = threads.map((thread) =>
    Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'latin1').split(' ')[0]),
  );
  return ran.reduce((sum, ns) => sum + ns, 0) / 1e6;
}

/**
 * In this thread, with `limits` or without: then its modules have no fuel, its lists and texts no budget, and nobody
 * asks for processor time. All else is the same, the recycling of instances too. `scratch` is a folder for its glue.
 */
export async function threadHarness(component: Uint8Array, limits: boolean, scratch: string): Promise<Harness> {
  const { glue, modules, manifest } = await transpile(component, NO_DIGEST, { meter: limits });
  const file = join(scratch, `${randomUUID()}.mjs`);
  await writeFile(file, renewableGlue(limits ? budgetLifts(glue) : glue));
  const { instantiate } = (await import(pathToFileURL(file).href)) as { instantiate: Instantiate };
  const compiled = new Map(
    modules.map(({ name, bytes }) => [name, new WebAssembly.Module(bytes as Uint8Array<ArrayBuffer>)]),
  );
  const message: LoadMessage = {
    ...{ program: 'bench', glueBytes: 0, modules: [], environment: [], arguments: [], configuration: [] },
    run: manifest.run,
    http: manifest.http,
    functions: manifest.functions.map(({ wit, path }) => ({
      ...{ name: wit.name, path, fallible: wit.result?.kind === 'result' },
    })),
    ...{ limits: {}, files: null, valueBytes: VALUE_BYTES, reuse: null },
    cpuMs: limits ? CPU_MS : DEADLINE_MS,
    memoryMib: TEST_GRANT.limits.memoryMib,
  };
  const instances = new GuestInstances({
    message,
    files: new GrantedFiles([], 0),
    instantiate: async (imports, core) =>
      instantiate((name) => compiled.get(name)!, { ...imports, [TABLES_IMPORT]: GLUE_TABLES }, core),
  });
  const cell = new InterruptCell();
  const askIds = new AskIds();
  const use = new WorkerUse(false);
  let id = 0;
  const run: Harness['run'] = async (request, input) => {
    id += 1;
    const fuel = new FuelGauge(cell, id, DEADLINE_MS, () => {}, message.cpuMs);
    const invoked = { id, message: { ...request, input, deadlineMs: DEADLINE_MS } };
    const invocation: GuestInvocation = new GuestInvocation(invoked, message, instances, fuel, askIds, use, (said) => {
      if (said.kind === 'body') invocation.take({ kind: 'credit', bytes: said.bytes.length });
    });
    const done = await new Promise<DoneMessage>((told) => invocation.run(told));
    if (done.kind === 'failed') throw new Error(`${done.code}: ${done.detail}`);
    invocation.leave();
    await instances.prepare(new FuelGauge(cell, null, DEADLINE_MS));
  };
  const usedMs = () => {
    const { user, system } = process.threadCpuUsage();
    return (user + system) / 1000;
  };
  return { run, usedMs, close: () => Promise.resolve() };
}
