// The global of this name is a getter.
import { performance } from 'node:perf_hooks';
import type { MessagePort } from 'node:worker_threads';
import { rehearseCodec } from './codec-rehearsal.ts';
import { collectGarbage } from './collect-garbage.ts';
import { threadCpuMs } from './cpu-limit.ts';
import { FuelGauge } from './fuel.ts';
import { type GuestComponent, loadComponent } from './guest-component.ts';
import { GuestInstances } from './guest-instances.ts';
import { GuestInvocation } from './guest-invocation.ts';
import { WorkerUse } from './guest-use.ts';
import type { Instances } from './instances.ts';
import { InterruptCell } from './interrupt-cell.ts';
import { OptimizerRest } from './optimizer-rest.ts';
import { AskIds } from './outside/invocation-asks.ts';
import { SharedCpuTime } from './reuse/shared-cpu-time.ts';
import { SharedInstances } from './reuse/shared-instances.ts';
import { KEPT_FRAMES } from './trap-frames.ts';
import { type DoneMessage, isAskId, type LoadMessage } from './wire.ts';
import { WorkerLine } from './worker-line.ts';
import type { FromWorker, Invoked, ToWorker, WorkerStart } from './worker-message.ts';

/** How long an instance that nobody waits for may take to be made, milliseconds; an interruption of who waits for it ends it as well. */
const PREPARE_MS = 2_000;

/** An invocation that took less leaves with what the next one says, which was sent ahead, milliseconds: a system call costs more than that. */
const GATHERED_MS = 0.2;

/**
 * Runs guests in this worker, as the host says over the worker's line: one invocation at a time, or several where the component is
 * asynchronous. What to run, and what goes beyond one invocation, the serving thread says over `port`.
 */
export function serveGuests(port: MessagePort, start: WorkerStart): void {
  Error.stackTraceLimit = KEPT_FRAMES;
  const cell = new InterruptCell(start.cell);
  let component: {
    readonly message: LoadMessage;
    /** The message as it came, without what a grant said since. */
    readonly loaded: LoadMessage;
    readonly instances: Instances;
    readonly workerUse: WorkerUse;
  } | null = null;
  /** Nothing was freed since it started, or since its load. */
  let isFresh = true;
  /** In the order in which they began. No `Map`: one that is filled and emptied for each invocation is made anew inside each time. */
  const running: GuestInvocation[] = [];
  const find = (id: number) => running.find((each) => each.id === id);
  let lastId = 0;
  /** The first invocation has ended, or nobody waits for that. */
  const served = Promise.withResolvers<void>();
  /** Sent while another runs, in their order; those of an asynchronous component begin at once. */
  const ahead: Invoked[] = [];
  const askIds = new AskIds();
  const optimizers = new OptimizerRest();
  const cpuTime = new SharedCpuTime();
  const say = (message: FromWorker) => port.postMessage(message);
  const unasked = () => new FuelGauge(cell, null, PREPARE_MS);
  const prepare = async () => component?.instances.prepare(unasked());

  // What is left of an interrupted guest may still reject, after everyone stopped listening; it must not end the worker.
  process.on('unhandledRejection', () => {});

  const line = new WorkerLine(start, {
    invoke: (invoked) => {
      ahead.push(invoked);
      beginNext();
    },
    grant: (grant) => {
      if (component === null) return;
      component = { ...component, message: { ...component.message, ...grant } };
      component.instances.renew();
    },
    // What comes for an invocation that has ended was on its way when it did.
    tell: (id, message) => {
      // One that is told much computes, and may come to no checkpoint for long: what the host asks for costs little fuel.
      optimizers.look();
      if (isAskId(id)) for (const invocation of running) invocation.takeAsked(id, message);
      else find(id)?.take(message);
    },
  });

  function instancesOf(loaded: GuestComponent): Instances {
    const { reuse } = loaded.message;
    return reuse === null ? new GuestInstances(loaded) : new SharedInstances(loaded, reuse, unasked, cpuTime);
  }

  // A guest that writes and then computes for long does not let the event loop have a turn.
  const goOn = () => {
    line.goOn(performance.now());
    optimizers.look();
  };

  function beginNext(): void {
    const atOnce = component?.message.reuse?.atOnce ?? 1;
    while (ahead.length > 0 && running.length < atOnce) invoke(ahead.shift()!);
  }

  function invoke(invoked: Invoked): void {
    if (component === null) throw new Error('a worker was asked to run before it was loaded');
    const { id } = invoked;
    if (!cell.begin(id)) {
      // It is over here: whoever asked for its end before it was taken back waits for no more.
      lastId = id;
      cell.finish(id);
      return;
    }
    const { instances, workerUse } = component;
    const load = invoked.message.rehearsal === true ? component.loaded : component.message;
    const used = load.reuse === null ? threadCpuMs : cpuTime.shareMs;
    const fuel = new FuelGauge(cell, id, invoked.message.deadlineMs, goOn, load.cpuMs, used);
    const invocation: GuestInvocation = new GuestInvocation(
      invoked,
      load,
      instances,
      fuel,
      askIds,
      workerUse,
      (message) => {
        // A guest that catches its own end runs on until its next checkpoint, and may still write: `done` was the last of its frames.
        if (running.includes(invocation)) line.post(message);
      },
    );
    running.push(invocation);
    optimizers.watch(invoked.message.rehearsal === true);
    lastId = id;
    // It may have been interrupted while it was on its way.
    if (cell.interruptedId === (id | 0)) invocation.take({ kind: 'interrupt', why: cell.why });
    invocation.run((done) => {
      finish(invocation, done, load, instances);
      // Those that were sent ahead wait for its end, and for what is made after it.
      beginNext();
    });
  }

  function finish(invocation: GuestInvocation, done: DoneMessage, load: LoadMessage, instances: Instances): void {
    const { id } = invocation;
    running.splice(running.indexOf(invocation), 1);
    served.resolve();
    cell.finish(reached());
    // One that is ended just now tells its end no more: its host would take it for free. What others said leaves.
    if (load.reuse === null) cell.pass(() => line.flush());
    if (load.reuse !== null && invocation.wasInterrupted) say({ kind: 'ended', id });
    line.post({ kind: 'done', id, done });
    // What is short leaves with what the next says, which was sent ahead. One that shares its instance is seldom alone: what ends in the same turn
    // leaves at its end, unless an instance is to be made before.
    const isGathered = load.reuse === null ? ahead.length > 0 && done.runMs < GATHERED_MS : instances.ready;
    if (!isGathered) line.flush();
    // After the answer has left: what is cleaned or made now is ready when the next invocation comes.
    invocation.leave();
    optimizers.count(running.length === 0);
    if (instances.ready) return;
    // Nor does a gathered answer wait for that.
    line.flush();
    void instances.prepare(unasked());
  }

  /** The invocation that is over like all before it. */
  function reached(): number {
    const oldest = running[0];
    return oldest === undefined ? lastId : oldest.id - 1;
  }

  port.on('message', async (message: ToWorker) => {
    switch (message.kind) {
      case 'load':
        isFresh = true;
        try {
          const loaded = await loadComponent(message.component, (message) => say({ kind: 'want', message }));
          const { message: load } = loaded;
          const workerUse = new WorkerUse(load.recorded === true);
          component = { message: load, loaded: load, instances: instancesOf(loaded), workerUse };
          line.gather(load.reuse !== null);
        } catch (error) {
          say({ kind: 'loaded', error: (error as Error).message });
          return say({ kind: 'settled' });
        }
        line.open();
        say({ kind: 'loaded', error: null });
        await prepare();
        // Whoever had it loaded waits for the first answer, if anybody does.
        if (message.awaitsCall) await served.promise;
        return say({ kind: 'settled' });
      case 'hurry':
        return served.resolve();
      case 'prepare':
        component?.instances.renew();
        // A clone then has an instance from the start.
        await prepare();
        await line.rest();
        rehearseCodec();
        // All of it once: what the engine learnt of the dress rehearsal is to stay.
        collectGarbage(isFresh ? 'all' : 'young');
        isFresh = false;
        optimizers.begin();
        return say({ kind: 'prepared' });
      case 'interrupt': {
        const interrupted = find(message.id);
        if (interrupted === undefined) say({ kind: 'ended', id: message.id });
        else interrupted.take(message);
        return;
      }
      default:
        message satisfies never;
    }
  });
  say({ kind: 'up' });
}
