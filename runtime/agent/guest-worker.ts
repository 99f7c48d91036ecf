import type { MessagePort } from 'node:worker_threads';
import { collectGarbage } from './collect-garbage.ts';
import { FuelGauge } from './fuel.ts';
import { type GuestComponent, loadComponent } from './guest-component.ts';
import { GuestInvocation } from './guest-invocation.ts';
import type { FromWorker, ToWorker, WorkerStart } from './worker-message.ts';

/** Runs guests in this worker, one invocation at a time, as the serving thread says over `port`. */
export function serveGuests(port: MessagePort, start: WorkerStart): void {
  const cell = new Int32Array(start.interruptCell);
  let component: GuestComponent | null = null;
  let running: GuestInvocation | null = null;
  const post = (message: FromWorker, transfer: ArrayBuffer[] = []) => port.postMessage(message, transfer);

  // What is left of an interrupted guest may still reject, after everyone stopped listening; it must not end the worker.
  process.on('unhandledRejection', () => {});

  port.on('message', async (message: ToWorker) => {
    switch (message.kind) {
      case 'load':
        try {
          component = await loadComponent(message.component);
          return post({ kind: 'loaded', error: null });
        } catch (error) {
          return post({ kind: 'loaded', error: (error as Error).message });
        }
      case 'grant':
        if (component !== null) component = { ...component, message: { ...component.message, ...message.grant } };
        return;
      case 'prepare':
        collectGarbage();
        return post({ kind: 'prepared' });
      case 'invoke': {
        if (component === null) throw new Error('a worker was asked to run before it was loaded');
        const invocation = new GuestInvocation(message, component, new FuelGauge(cell, message.remainingMs), post);
        running = invocation;
        const done = await invocation.run();
        running = null;
        return post({ kind: 'done', id: message.id, done });
      }
      default:
        // What comes for an invocation that has ended was on its way when it did.
        if (running?.id === message.id) running.take(message);
    }
  });
  post({ kind: 'up' });
}
