import type { MessagePort } from 'node:worker_threads';
import { collectGarbage } from './collect-garbage.ts';
import { FuelGauge } from './fuel.ts';
import { loadComponent } from './guest-component.ts';
import { GuestInstances } from './guest-instances.ts';
import { GuestInvocation } from './guest-invocation.ts';
import { Outbox } from './outbox.ts';
import type { LoadMessage } from './wire.ts';
import type { FromWorker, ToWorker, WorkerStart } from './worker-message.ts';

/** How long an instance that nobody waits for may take to be made, milliseconds; an interruption of who waits for it ends it as well. */
const PREPARE_MS = 2_000;

/** Runs guests in this worker, one invocation at a time, as the serving thread says over `port`. */
export function serveGuests(port: MessagePort, start: WorkerStart): void {
  const cell = new Int32Array(start.interruptCell);
  let component: { readonly message: LoadMessage; readonly instances: GuestInstances } | null = null;
  let running: GuestInvocation | null = null;
  const outbox = new Outbox(port);
  const post = (message: FromWorker, transfer?: ArrayBuffer[]) => outbox.post(message, transfer);
  // A guest that writes and then computes for long does not let the event loop have a turn.
  const flush = () => outbox.flush();

  // What is left of an interrupted guest may still reject, after everyone stopped listening; it must not end the worker.
  process.on('unhandledRejection', () => {});

  port.on('message', async (message: ToWorker) => {
    switch (message.kind) {
      case 'load':
        try {
          const loaded = await loadComponent(message.component);
          component = { message: loaded.message, instances: new GuestInstances(loaded) };
        } catch (error) {
          return post({ kind: 'loaded', error: (error as Error).message });
        }
        post({ kind: 'loaded', error: null });
        outbox.flush();
        return component.instances.prepare(new FuelGauge(cell, PREPARE_MS));
      case 'grant':
        if (component !== null) component = { ...component, message: { ...component.message, ...message.grant } };
        return;
      case 'prepare':
        // A clone then has an instance from the start.
        await component?.instances.prepare(new FuelGauge(cell, PREPARE_MS));
        collectGarbage();
        return post({ kind: 'prepared' });
      case 'invoke': {
        if (component === null) throw new Error('a worker was asked to run before it was loaded');
        const { message: load, instances } = component;
        const fuel = new FuelGauge(cell, message.remainingMs, flush);
        const invocation = new GuestInvocation(message, load, instances, fuel, post);
        running = invocation;
        const done = await invocation.run();
        running = null;
        // What interrupted it must not interrupt what is made next. Before the answer: then the cell may be the next invocation's.
        Atomics.store(cell, 0, 0);
        post({ kind: 'done', id: message.id, done });
        outbox.flush();
        // After the answer has left: what is cleaned or made now is ready when the next invocation comes.
        if (invocation.returned !== null) instances.giveBack(invocation.returned);
        return instances.prepare(new FuelGauge(cell, PREPARE_MS));
      }
      default:
        // What comes for an invocation that has ended was on its way when it did.
        if (running?.id === message.id) running.take(message);
    }
  });
  post({ kind: 'up' });
}
