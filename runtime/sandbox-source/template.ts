import { randomUUID } from 'node:crypto';
import type { Grant } from '../../guest-sdk/protocol/index.ts';
import type { BaseImage } from '../image/index.ts';
import {
  bootMachine,
  conditionsOf,
  copySparse,
  type MachineShape,
  type QemuMachine,
  restoreMachine,
  type Snapshot,
  type SnapshotConditions,
  type SnapshotDraft,
  type SnapshotStore,
  unlessAborted,
} from '../machine/index.ts';
import { type LoadedVersion, rehearse, type Sandbox, startSandbox } from '../sandbox/index.ts';
import { atRest } from './at-rest.ts';

/** How long a template may take, milliseconds: minutes under emulation on a busy computer; one that hangs holds up all others. */
const TEMPLATE_MS = 5 * 60_000;

/** How often a golden machine has answered before it is saved: then the engine has compiled what an answer takes, and knows its objects. */
const ANSWERS = 12;

/** What templates are made from and where they go. */
export interface TemplateParts {
  readonly store: SnapshotStore;
  readonly shape: MachineShape;
  readonly image: BaseImage;
}

/** A grant of nobody. */
const SPECIMEN: Pick<Grant, 'environment' | 'arguments' | 'configuration'> = {
  environment: { MODE: 'fast', PLACE: 'a text of a few dozen characters' },
  arguments: ['--word', 'another'],
  configuration: { step: '1', 'api.url': 'https://api.example.org/v1/' },
};

/** Boots a machine, waits until its agent and all workers are idle, and saves it. Its clones are empty sandboxes. */
export function makeGolden({ store, shape, image }: TemplateParts, given: AbortSignal): Promise<Snapshot> {
  return save(store, conditionsOf(shape, image.digest, null), given, async (draft, signal) => {
    const startMachine = () => bootMachine({ id: newMachineId(), image, shape, template: draft, signal });
    const template = await startTemplate(startMachine, undefined, signal);
    try {
      // After the collection of all garbage, which forgets what the engine learnt of objects that are gone.
      await template.sandbox.prepare();
      for (let answer = 0; answer < ANSWERS; answer += 1) await template.sandbox.ping();
      return template;
    } catch (error) {
      await template.sandbox.close();
      throw error;
    }
  });
}

/**
 * Loads a version into a clone of the golden machine that keeps its memory, runs it a few times, and saves it. The version is
 * given neither environment, arguments nor configuration, so that nothing of them is kept on disk: `adopt` gives them to the clones.
 */
export function makeFunctionSnapshot(
  { store, shape, image }: TemplateParts,
  golden: Snapshot,
  version: LoadedVersion,
  content: string,
  given: AbortSignal,
): Promise<Snapshot> {
  return save(store, conditionsOf(shape, image.digest, content), given, async (draft, signal) => {
    const content = Promise.all([version.artifact(), version.files?.() ?? []]);
    const [artifact, files] = await unlessAborted(content, signal);
    await copySparse(golden.memory, draft.memory, signal);
    const startMachine = () =>
      restoreMachine({
        ...{ id: newMachineId(), image, shape, signal },
        ...{ memory: draft.memory, state: golden.state, template: draft, background: true },
      });
    const template = await startTemplate(startMachine, shape.workers, signal);
    try {
      const grant = { ...version.grant, environment: {}, arguments: [], configuration: {} };
      const { program, reuse } = version;
      const content = { program, artifact, grant, files, ...(reuse === undefined ? {} : { reuse }) };
      await template.sandbox.load(content, signal);
      // What follows has its time by the clock: what is not rehearsed then is not in any clone.
      await template.machine.claimNow();
      await rehearse(template.sandbox, artifact.manifest);
      // Once more as clones do it, from their rest on: neither a first grant nor what follows it compiles anything in them.
      await template.sandbox.prepare();
      for (const given of [SPECIMEN, grant]) {
        template.sandbox.grant(given);
        await rehearse(template.sandbox, artifact.manifest, { rounds: 1, workers: shape.workers });
      }
      return template;
    } catch (error) {
      await template.sandbox.close();
      throw error;
    }
  });
}

/** A name for a machine, for logs and the page. */
export function newMachineId(): string {
  return `machine-${randomUUID().slice(0, 8)}`;
}

interface Template {
  readonly machine: QemuMachine;
  readonly sandbox: Sandbox;
}

async function startTemplate(
  start: () => Promise<QemuMachine>,
  restoredWorkers: number | undefined,
  signal: AbortSignal,
): Promise<Template> {
  let machine: QemuMachine | undefined;
  const startMachine = async () => {
    machine = await start();
    return machine;
  };
  const restored = restoredWorkers === undefined ? {} : { restoredWorkers };
  const sandbox = await startSandbox({ kind: 'microvm', startMachine, ...restored }, signal);
  // Whatever waits for it then, a rehearsal or the save, fails with it.
  const abort = () => void sandbox.close();
  signal.addEventListener('abort', abort, { once: true });
  void sandbox.ended.then(() => signal.removeEventListener('abort', abort));
  if (signal.aborted) abort();
  return { machine: machine!, sandbox };
}

/** Starts a template, saves it when it is idle, and ends it. Nothing is left when that fails. */
async function save(
  store: SnapshotStore,
  conditions: SnapshotConditions,
  given: AbortSignal,
  start: (draft: SnapshotDraft, signal: AbortSignal) => Promise<Template>,
): Promise<Snapshot> {
  const signal = AbortSignal.any([given, AbortSignal.timeout(TEMPLATE_MS)]);
  const draft = await store.draft(conditions);
  try {
    const { machine, sandbox } = await start(draft, signal);
    try {
      await sandbox.prepare();
      await atRest(machine, signal);
      await machine.save();
    } finally {
      await sandbox.close();
    }
    signal.throwIfAborted();
    return await draft.commit(signal);
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    await draft.discard();
  }
}
