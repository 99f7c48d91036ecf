import { CloudletError } from '../../../guest-sdk/protocol/index.ts';
import {
  ARE_FRESH,
  installCommand,
  PRINT_SOURCES,
  planCommand,
  plannedVersions,
  sourceHosts,
  TIDY,
  UPDATE,
} from './apt.ts';
import { type RecipeStep, runStep, type StepContext } from './step.ts';

/** Most of a plan that is read, bytes: what needs thousands of packages is nothing for a VM. */
const PLAN_BYTES = 1024 * 1024;

/** The hosts from which packages come, as the VM's own sources say. */
export async function askSources(context: StepContext): Promise<string[]> {
  return sourceHosts(await runStep('update', { command: PRINT_SOURCES }, quiet(context), 64 * 1024));
}

/**
 * Tells `isHere` the versions that would be installed, and installs them when it says no. Lists of packages that are some days old
 * are taken as they are, and brought up to date when something in them is gone. Gives whether it installed.
 */
export async function installPackages(
  packages: readonly string[],
  context: StepContext,
  begin: (step: RecipeStep) => void,
  isHere: (versions: readonly string[]) => Promise<boolean>,
): Promise<boolean> {
  const update = async (): Promise<void> => {
    begin('update');
    await runStep('update', { command: UPDATE }, context);
  };
  const install = async (): Promise<boolean> => {
    const plan = await runStep('update', { command: planCommand(packages) }, quiet(context), PLAN_BYTES);
    if (await isHere(plannedVersions(plan))) return false;
    begin('packages');
    await runStep('packages', { command: installCommand(packages) }, context);
    return true;
  };
  const areFresh = (await runStep('update', { command: ARE_FRESH }, quiet(context))).trim() === 'fresh';
  if (!areFresh) {
    await update();
    return install();
  }
  try {
    return await install();
  } catch (error) {
    if (!(error instanceof CloudletError) || error.code !== 'recipe-failed') throw error;
    await update();
    return install();
  }
}

/** Removes what is only needed to install more. */
export async function tidy(context: StepContext): Promise<void> {
  await runStep('packages', { command: TIDY }, context);
}

/** What a command prints for us, nobody else has to read. */
function quiet(context: StepContext): StepContext {
  return { ...context, say: () => undefined };
}
