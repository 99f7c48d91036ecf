import { asCloudletError, CloudletError } from '../../guest-sdk/protocol/index.ts';
import { TOOLS } from '../component/tools.ts';
import type { BaseImage } from '../image/index.ts';
import {
  bootMachine,
  conditionsOf,
  type MachineShape,
  restoreMachine,
  type Snapshot,
  type SnapshotStore,
} from '../machine/index.ts';
import {
  type LoadedVersion,
  type Sandbox,
  type StartedSandbox,
  type StartRung,
  startLoaded,
  startSandbox,
} from '../sandbox/index.ts';
import type { KeptImage } from './kept-image.ts';
import { makeFunctionSnapshot, makeGolden, newMachineId } from './template.ts';

/** What a ladder stands on. */
export interface LadderParts {
  readonly store: SnapshotStore;
  /** Of all machines: a snapshot fits no other. */
  readonly shape: MachineShape;
  readonly image: KeptImage;
  /** Told one sentence about what went wrong while service goes on. */
  readonly warning: (sentence: string) => void;
}

/** The rungs by which a machine for a version is had: a clone of its snapshot, a clone of the golden one and a load, a boot and a load. */
export class MachineLadder {
  readonly #parts: LadderParts;
  readonly #closing = new AbortController();
  #golden: Promise<Snapshot | null> | null = null;
  /** Templates are made one after the other: each takes a processor for seconds. */
  #making: Promise<unknown> = Promise.resolve();

  constructor(parts: LadderParts) {
    this.#parts = parts;
  }

  /** Sees to the image and the golden snapshot; what goes wrong is told by the start that needs them. */
  begin(): void {
    this.#parts.image.with((image) => this.#goldenOf(image)).catch(() => {});
  }

  start(version: LoadedVersion, signal: AbortSignal): Promise<StartedSandbox> {
    return this.#parts.image.with(async (image) => {
      const kept = await this.#parts.store.find(this.#conditions(image, version), signal);
      if (kept !== null) {
        const sandbox = await this.#clone(image, kept, signal);
        if (sandbox !== null) {
          sandbox.adopt(version.grant);
          return { sandbox, via: 'function-clone' };
        }
      }
      let via: StartRung = 'golden-clone';
      const startEmpty = async (): Promise<Sandbox> => {
        const golden = await this.#goldenOf(image);
        const clone = golden === null ? null : await this.#clone(image, golden, signal);
        if (clone !== null) return clone;
        via = 'boot';
        const startMachine = () => bootMachine({ id: newMachineId(), image, shape: this.#parts.shape, signal });
        return startSandbox({ kind: 'microvm', startMachine }, signal);
      };
      const sandbox = await startLoaded(version, startEmpty, signal);
      return { sandbox, via };
    });
  }

  /** Makes the snapshot of a version, unless there is one; what goes wrong is told once, and starts go on without it. */
  async prepare(version: LoadedVersion, given: AbortSignal): Promise<void> {
    const signal = AbortSignal.any([given, this.#closing.signal]);
    await this.#inTurn(() =>
      this.#parts.image.with(async (image) => {
        if ((await this.#parts.store.find(this.#conditions(image, version), signal)) !== null) return;
        const golden = await this.#goldenOf(image);
        if (golden === null) return;
        const parts = { ...this.#parts, image };
        await makeFunctionSnapshot(parts, golden, version, contentOf(version), signal);
      }),
    ).catch((error: unknown) => {
      signal.throwIfAborted();
      this.#parts.warning(`no snapshot of "${version.program}" could be made: ${asCloudletError(error).message}`);
    });
  }

  /** Removes what is kept of a version. */
  forget(versionId: string): Promise<void> {
    return this.#parts.store.forget((content) => content.startsWith(`${versionId} `));
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#parts.image.close();
    await this.#golden?.catch(() => {}); // Its template has ended either way.
    await this.#making;
  }

  #conditions(image: BaseImage, version: LoadedVersion) {
    return conditionsOf(this.#parts.shape, image.digest, contentOf(version));
  }

  /** The golden snapshot, made when there is none; null when it cannot be made: then machines are booted. */
  async #goldenOf(image: BaseImage): Promise<Snapshot | null> {
    this.#golden ??= this.#findOrMakeGolden(image).catch((error: unknown) => {
      if (!this.#closing.signal.aborted) {
        this.#parts.warning(`machines are booted, since no snapshot could be made: ${asCloudletError(error).message}`);
      }
      return null;
    });
    return this.#golden;
  }

  async #findOrMakeGolden(image: BaseImage): Promise<Snapshot> {
    const { signal } = this.#closing;
    const kept = await this.#parts.store.find(conditionsOf(this.#parts.shape, image.digest, null), signal);
    return kept ?? makeGolden({ ...this.#parts, image }, signal);
  }

  /** A clone; null when the snapshot turned out to be of no use, and is gone. */
  async #clone(image: BaseImage, snapshot: Snapshot, signal: AbortSignal): Promise<Sandbox | null> {
    const { workers } = this.#parts.shape;
    const { memory, state } = snapshot;
    const startMachine = () =>
      restoreMachine({ id: newMachineId(), image, shape: this.#parts.shape, memory, state, signal });
    try {
      return await startSandbox({ kind: 'microvm', startMachine, restoredWorkers: workers }, signal);
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof CloudletError) || error.code !== 'machine-failed') throw error;
      await this.#parts.store.refuse(snapshot.key, error.message);
      if (snapshot.conditions.content === null) this.#golden = null;
      return null;
    }
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#making.then(work);
    this.#making = turn.catch(() => {}); // Whoever asked is told.
    return turn;
  }
}

/** What a snapshot of a version holds: its code under its limits, as these tools make it. */
function contentOf({ id, grant }: LoadedVersion): string {
  return `${id} ${JSON.stringify(grant.limits)} ${TOOLS}`;
}
