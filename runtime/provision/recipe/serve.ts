import { asCloudletError, CloudletError, type ServiceSpec } from '../../../guest-sdk/protocol/index.ts';
import { newIdentity, TEMPLATE_WALL_MS } from '../../machine/index.ts';
import { probeService } from '../../service/index.ts';
import { setAside } from './set-aside.ts';
import type { StepContext } from './step.ts';
import { stepFailed } from './step.ts';
import { StepOutput } from './step-output.ts';
import type { Workshop } from './workshop.ts';

/**
 * Starts the server and resolves when it has answered its probe, and has no more in memory than that needs. `recipe-failed` when it ends, `not-ready` when it does not answer in
 * time; both quote what the VM's console said at last, where the server writes.
 */
export async function startServer(
  vm: Workshop['vm'],
  spec: ServiceSpec,
  context: StepContext,
  begin: (step: 'start' | 'probe') => void,
): Promise<void> {
  const { clock, say, signal } = context;
  begin('start');
  // A clone is given another time: by that jump the generators of what is started now notice that they are others.
  await vm.renew(newIdentity(TEMPLATE_WALL_MS));
  const output = new StepOutput(say, 4096);
  const heard = listen(vm.console, output);
  const over = new AbortController();
  try {
    const ended = vm.relay.run({ command: spec.run, detached: true });
    begin('probe');
    const ending = AbortSignal.any([signal, over.signal]);
    const connect = (attempt: AbortSignal) => vm.relay.connect(spec.port, attempt);
    const ask = () => probeService({ spec, connect, clock, signal: ending });
    const answered = ask().then(() => setAside(vm, spec, { ...context, signal: ending }, ask));
    answered.catch(() => undefined);
    await Promise.race([
      answered,
      ended.then(
        (status) => Promise.reject(stepFailed('start', `ended: its server did, with status ${status}`, output.text)),
        (error: unknown) => Promise.reject(asCloudletError(error, 'machine-failed')),
      ),
    ]);
    // It may end later, with the VM.
    ended.catch(() => undefined);
  } catch (error) {
    signal.throwIfAborted();
    const { code, message } = asCloudletError(error, 'machine-failed');
    if (code !== 'not-ready') throw error;
    const said = output.text.trim().slice(-1000);
    throw new CloudletError(
      code,
      `the step "probe" of the recipe: ${message}; its console said:\n${said || 'nothing'}`,
    );
  } finally {
    over.abort();
    heard.stop();
  }
}

/** Takes what a console says until it is told to stop. */
function listen(console: AsyncIterable<Uint8Array>, output: StepOutput): { stop(): void } {
  const iterator = console[Symbol.asyncIterator]();
  const pump = async (): Promise<void> => {
    for (;;) {
      const { done, value } = await iterator.next();
      if (done) return;
      output.push(value);
    }
  };
  pump().catch(() => undefined); // A console that breaks off says no more.
  return { stop: () => void iterator.return?.() };
}
