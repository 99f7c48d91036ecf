import { asCloudletError } from '../../guest-sdk/protocol/index.ts';
import type { InvokeRequest } from '../agent/wire.ts';
import type { ArtifactManifest } from '../component/artifact.ts';
import type { Sandbox } from './sandbox.ts';
import { specimenArguments } from './specimen-arguments.ts';

/** How much is rehearsed. */
export interface RehearsalExtent {
  /** Times that each way in is run by each worker, or as often as it has inputs where those are more. */
  readonly rounds: number;
  /** Workers that run it at once. */
  readonly workers: number;
  /** Asked before each; nothing more is rehearsed when it says so. */
  readonly isEnough?: () => boolean;
}

/** Times that each worker runs each way in before a snapshot: after the second the engine has compiled what an invocation needs. */
const ROUNDS = 3;

/** Typed functions that are rehearsed; the others share most of their code. */
const FUNCTIONS = 40;

/** Wall time of one rehearsal, milliseconds: a function that needs longer on a quiet computer is not made faster by it, and is not rehearsed again. */
const DEADLINE_MS = 5000;

/**
 * Time after which nothing more is rehearsed, milliseconds, without that in which others held the machine up: forty functions that loop must not take minutes,
 * and a computer that is busy for a moment must not have its snapshots less rehearsed for good.
 */
const ENOUGH_MS = 10_000;

/** The same by the clock. */
const MOST_MS = 60_000;

interface Rehearsal {
  readonly request: InvokeRequest;
  /** One a round, by turns. */
  readonly inputs: readonly Uint8Array[];
}

const NOTHING = new Uint8Array(0);

/**
 * Runs the function of a sandbox that is to become a snapshot, or that nobody waits for, so that what its first invocation needs is
 * compiled and in memory. It has no way to have an effect: before a snapshot it is granted nothing, ahead of need its environment and arguments, and
 * neither reaches outside of its machine. Its input is nothing or a specimen, how it ends does not matter, what it writes goes nowhere.
 */
export async function rehearse(
  sandbox: Sandbox,
  manifest: ArtifactManifest,
  { rounds, workers, isEnough }: RehearsalExtent = { rounds: ROUNDS, workers: sandbox.workers },
): Promise<void> {
  const isOver = endOf(sandbox);
  for (const { request, inputs } of rehearsalsOf(manifest)) {
    for (let round = 0; round < Math.max(rounds, inputs.length); round += 1) {
      if (isOver() || isEnough?.() === true) return;
      const input = inputs[round % inputs.length]!;
      const ends = await Promise.all(Array.from({ length: workers }, () => run(sandbox, request, input)));
      if (ends.includes('late')) break;
    }
  }
}

/** Says whether the time of a rehearsal that begins now is over. */
function endOf(sandbox: Pick<Sandbox, 'processorQueueNs'>): () => boolean {
  const [beganAt, queuedBefore] = [performance.now(), sandbox.processorQueueNs() ?? 0];
  return () => {
    const ms = performance.now() - beganAt;
    const heldUpMs = Math.max(0, (sandbox.processorQueueNs() ?? 0) - queuedBefore) / 1e6;
    return ms > MOST_MS || ms - heldUpMs > ENOUGH_MS;
  };
}

async function run(sandbox: Sandbox, request: InvokeRequest, input: Uint8Array): Promise<'ended' | 'late'> {
  let end: 'ended' | 'late' = 'ended';
  const call = sandbox.invoke(request, input, { deadlineMs: DEADLINE_MS, log: () => {}, rehearsal: true });
  try {
    for await (const _ of call.output) {
      // Taken, so that the guest is not held back.
    }
    await call.done;
  } catch (error) {
    // A function may refuse what it is given here.
    if (asCloudletError(error).code === 'deadline-exceeded') end = 'late';
  }
  await call.confirmed;
  return end;
}

/** What is run: each door that the component has. Pure. */
export function rehearsalsOf(manifest: Pick<ArtifactManifest, 'run' | 'http' | 'functions'>): Rehearsal[] {
  const rehearsals: Rehearsal[] = [];
  if (manifest.http !== null) {
    const head = { method: 'GET', scheme: 'http', authority: 'localhost', path: '/', headers: [] } as const;
    rehearsals.push({ request: { door: 'http', ...head }, inputs: [NOTHING] });
  }
  if (manifest.run !== null) rehearsals.push({ request: { door: 'run', arguments: [] }, inputs: [NOTHING] });
  for (const { wit } of manifest.functions.slice(0, FUNCTIONS)) {
    const inputs = specimenArguments(wit);
    if (inputs.length > 0) rehearsals.push({ request: { door: 'call', target: wit.name }, inputs });
  }
  return rehearsals;
}
