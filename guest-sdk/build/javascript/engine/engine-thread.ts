/** The thread in which programs are evaluated while a component is made: one that never ends can be ended from outside. */
import { parentPort } from 'node:worker_threads';
import { LoadedShell } from './loaded-shell.ts';

/** What the thread is asked. */
export type EngineAsk =
  | { readonly kind: 'find'; readonly folder: string }
  | { readonly kind: 'evaluate'; readonly folder: string; readonly program: string; readonly evaluated: number };

const loaded = new Map<string, Promise<LoadedShell>>();

function shellOf(folder: string): Promise<LoadedShell> {
  const shell = loaded.get(folder) ?? LoadedShell.open(folder);
  loaded.set(folder, shell);
  return shell;
}

parentPort?.on('message', (ask: EngineAsk) => void answer(ask));

async function answer(ask: EngineAsk): Promise<void> {
  try {
    const shell = await shellOf(ask.folder);
    if (ask.kind === 'find') parentPort?.postMessage(shell.findEvaluated());
    else parentPort?.postMessage(shell.evaluate(ask.program, ask.evaluated));
    // A memory cannot be made smaller again, and the next program would lay its own out after its size.
    if (shell.hasGrown) loaded.delete(ask.folder);
  } catch (error) {
    parentPort?.postMessage({ failed: error instanceof Error ? error.message : String(error) });
  }
}
