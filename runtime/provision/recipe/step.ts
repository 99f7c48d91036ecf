import { asCloudletError, CloudletError } from '../../../guest-sdk/protocol/index.ts';
import type { Clock } from '../../sandbox/clock.ts';
import type { Relay, RelayJob } from '../../vm/vm.ts';
import { StepOutput } from './step-output.ts';

/** What is done for a recipe, in this order; each is a stage of the deployment. */
export const RECIPE_STEPS = ['restore', 'update', 'packages', 'files', 'script', 'start', 'probe', 'save'] as const;
export type RecipeStep = (typeof RECIPE_STEPS)[number];

/** What steps are run with. */
export interface StepContext {
  readonly relay: Pick<Relay, 'run'>;
  /** Told what a step says, as whole lines. */
  readonly say: (lines: string) => void;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** How long one step may take: a script that waits for something would hold its VM for ever. */
export const STEP_MS = 30 * 60_000;

/**
 * Runs a command of a step to its end and gives the last `keepBytes` that it wrote. `recipe-failed` names the step and quotes the end
 * of that when its status is not 0, or it takes too long.
 */
export async function runStep(
  step: RecipeStep,
  job: Omit<RelayJob, 'output' | 'signal'>,
  { relay, say, clock, signal }: StepContext,
  keepBytes = 4096,
): Promise<string> {
  const output = new StepOutput(say, keepBytes);
  const late = new AbortController();
  const cancel = clock.after(STEP_MS, () => late.abort());
  try {
    const both = AbortSignal.any([signal, late.signal]);
    const status = await relay.run({ ...job, output: (bytes) => output.push(bytes), signal: both });
    output.end();
    if (status === 0) return output.text;
    throw stepFailed(step, `ended with status ${status}`, output.text);
  } catch (error) {
    output.end();
    signal.throwIfAborted();
    if (late.signal.aborted) throw stepFailed(step, `took longer than ${STEP_MS / 60_000} minutes`, output.text);
    throw asCloudletError(error, 'machine-failed');
  } finally {
    cancel();
  }
}

/** Characters of a step's output that its error quotes. */
const QUOTED = 1000;

/** That a step failed: what happened, a clause, and the end of its output. */
export function stepFailed(step: RecipeStep, what: string, output: string): CloudletError {
  const end = output.trimEnd().slice(-QUOTED);
  const said = end === '' ? 'it wrote nothing' : `the end of what it wrote:\n${end}`;
  return new CloudletError('recipe-failed', `the step "${step}" of the recipe ${what}; ${said}`);
}
