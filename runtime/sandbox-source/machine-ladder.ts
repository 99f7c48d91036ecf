import { asCloudletError, CloudletError } from '../../guest-sdk/protocol/index.ts';
import { TOOLS } from '../component/tools.ts';
import type { BaseImage } from '../image/index.ts';
import {
  bootMachine,
  conditionsOf,
  copySparse,
  type MachineShape,
  restoreMachine,
  type Snapshot,
  type SnapshotDraft,
  type SnapshotStore,
  unlessAborted,
} from '../machine/index.ts';
import type { Isolation } from '../options.ts';
import {
  ANSWER_MS,
  claimantOf,
  type LoadedVersion,
  rehearse,
  type Sandbox,
  type StartedSandbox,
  type StartRung,
  startLoaded,
  startSandbox,
} from '../sandbox/index.ts';
import { EmptyAhead } from './empty-ahead.ts';
import type { KeptImage } from './kept-image.ts';
import { makeFunctionSnapshot, makeGolden, newMachineId } from './template.ts';

/** What a ladder stands on. */
export interface LadderParts {
  readonly store: SnapshotStore;
  /** Of all machines: a snapshot fits no other. */
  readonly shape: MachineShape;
  readonly image: KeptImage;
  readonly isolation: Isolation;
  /** Told one sentence about what went wrong while service goes on. */
  readonly warning: (sentence: string) => void;
}

/** Clones of one snapshot that may fail one after the other: the first may be the computer's fault, and making it again takes seconds. */
const FAILURES = 2;

/** What a copy of a snapshot's memory fails with. A boot needs no room on the disk. */
const COPY_FAILURES: ReadonlySet<string> = new Set(['storage-full', 'storage-unavailable']);

/** The rungs by which a machine for a version is had: a clone of its snapshot, a clone of the golden one and a load, a boot and a load. */
export class MachineLadder {
  readonly #parts: LadderParts;
  readonly #closing = new AbortController();
  #golden: Promise<Snapshot | null> | null = null;
  /** Clones that failed since the last that did not, by the snapshot's key. */
  readonly #failures = new Map<string, number>();
  readonly #ahead: EmptyAhead;
  /** Templates are made one after the other: each takes a processor for seconds. */
  #making: Promise<unknown> = Promise.resolve();

  constructor(parts: LadderParts) {
    this.#parts = parts;
    this.#ahead = new EmptyAhead((signal) =>
      parts.image.with(async (image) => {
        const golden = await unlessAborted(this.#goldenOf(image), signal);
        return golden === null ? null : this.#clone(image, golden, signal);
      }),
    );
  }

  /** A version will be started soon: a clone of the golden snapshot is there when it comes. Call what it gives when that is over. */
  expect(): () => void {
    return this.#ahead.expect();
  }

  /** Sees to the image and the golden snapshot; what goes wrong is told by the start that needs them. */
  begin(): void {
    this.#parts.image.with((image) => this.#goldenOf(image)).catch(() => {});
  }

  /** Starts a sandbox for a version by the cheapest rung that can be taken. Nothing is left of a start that fails. */
  start(version: LoadedVersion, signal: AbortSignal): Promise<StartedSandbox> {
    return this.#parts.image.with(async (image) => {
      const kept = await this.#parts.store.find(this.#conditions(image, version), signal);
      const adopted = kept === null ? null : await this.#clone(image, kept, signal, version);
      if (adopted !== null) return this.#started(version, adopted, 'function-clone');
      let via: StartRung = 'golden-clone';
      const startEmpty = async (): Promise<Sandbox> => {
        const waiting = await this.#ahead.take(signal);
        if (waiting !== null) return waiting;
        // Making it may take long, and goes on for others.
        const golden = await unlessAborted(this.#goldenOf(image), signal);
        const clone = golden === null ? null : await this.#clone(image, golden, signal);
        if (clone !== null) return clone;
        via = 'boot';
        const startMachine = () => bootMachine({ id: newMachineId(), image, shape: this.#parts.shape, signal });
        return startSandbox({ kind: 'microvm', startMachine }, signal);
      };
      const sandbox = await startLoaded(version, startEmpty, signal);
      return this.#started(version, sandbox, via);
    });
  }

  /** A clone of a function's snapshot has all that is compiled, but an emulator has still to translate it: one call makes it. */
  #started(version: LoadedVersion, sandbox: Sandbox, via: StartRung): StartedSandbox {
    // Calls that nobody waits for would stand in line for what callers wait for.
    if (version.late?.() != null) return { sandbox, via };
    const isClone = via === 'function-clone';
    if (isClone && this.#parts.shape.accelerator.kind === 'kvm') return { sandbox, via };
    const extent = { rounds: 1, workers: isClone ? 1 : sandbox.workers };
    return {
      ...{ sandbox, via },
      warm: async (isEnough) => rehearse(sandbox, (await version.artifact()).manifest, { ...extent, isEnough }),
    };
  }

  /** Makes the snapshot of a version, unless there is one; false when that went wrong, which is told, and starts go on without it. */
  async prepare(version: LoadedVersion, given: AbortSignal): Promise<boolean> {
    const signal = AbortSignal.any([given, this.#closing.signal]);
    // What is saved is all there; and no machine stands still for it meanwhile.
    const late = version.late?.();
    if (late != null) await unlessAborted(late, signal);
    return this.#inTurn(() =>
      this.#parts.image.with(async (image) => {
        if ((await this.#parts.store.find(this.#conditions(image, version), signal)) !== null) return true;
        const golden = await unlessAborted(this.#goldenOf(image), signal);
        if (golden === null) {
          // What was in its way, a full disk for instance, may be gone the next time.
          this.#golden = null;
          return false;
        }
        const parts = { ...this.#parts, image };
        await makeFunctionSnapshot(parts, golden, version, contentOf(version), signal);
        return true;
      }),
    ).catch((error: unknown) => {
      signal.throwIfAborted();
      this.#parts.warning(`no snapshot of "${version.program}" could be made: ${asCloudletError(error).message}`);
      return false;
    });
  }

  /** Removes what is kept of a version. */
  forget(versionId: string): Promise<void> {
    return this.#parts.store.forget((content) => content.startsWith(`${versionId} `));
  }

  async close(): Promise<void> {
    this.#closing.abort();
    // It may wait for the image.
    const dropped = this.#ahead.close();
    await this.#parts.image.close();
    await dropped;
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

  /**
   * A clone, with what it runs, a version, given its grant; null when there is none, and the next rung is taken. A snapshot of which clones go on failing
   * is removed.
   */
  async #clone(
    image: BaseImage,
    snapshot: Snapshot,
    signal: AbortSignal,
    version?: LoadedVersion,
  ): Promise<Sandbox | null> {
    const { shape, store, isolation } = this.#parts;
    const { state, conditions } = snapshot;
    const drafts: SnapshotDraft[] = [];
    const ownMemory = async (): Promise<string> => {
      const draft = await store.draft(conditions);
      drafts.push(draft);
      await copySparse(snapshot.memory, draft.memory, signal);
      return draft.memory;
    };
    const startMachine = async () => {
      const memory = isolation === 'dedicated' ? await ownMemory() : snapshot.memory;
      const claimant = version === undefined ? {} : { claimant: claimantOf(version.program) };
      return restoreMachine({ id: newMachineId(), image, shape, memory, state, signal, ...claimant });
    };
    try {
      const restored = { restoredWorkers: shape.workers, readyMs: ANSWER_MS, unasked: version !== undefined };
      const sandbox = await startSandbox({ kind: 'microvm', startMachine, ...restored }, signal);
      if (version === undefined) await this.#count(snapshot, null);
      else {
        sandbox.adopt(version.grant, version.secrets?.(), version.reuse);
        void sandbox.firstWord.heard.then((heard) => this.#count(snapshot, heard ? null : 'its agent did not answer'));
      }
      return sandbox;
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof CloudletError && COPY_FAILURES.has(error.code)) {
        this.#parts.warning(`a machine could not have memory of its own from a snapshot: ${error.message}`);
        return null;
      }
      if (!(error instanceof CloudletError) || error.code !== 'machine-failed') throw error;
      // Looked for again by the next start: it may be gone.
      if (conditions.content === null) this.#golden = null;
      await this.#count(snapshot, error.message);
      return null;
    } finally {
      // The machine has it open, and it needs no name.
      for (const draft of drafts) await draft.discard();
    }
  }

  /** One more clone that lives, or that failed for this reason. */
  async #count({ key }: Snapshot, failure: string | null): Promise<void> {
    const failures = failure === null ? 0 : (this.#failures.get(key) ?? 0) + 1;
    if (failure === null || failures === FAILURES) this.#failures.delete(key);
    else this.#failures.set(key, failures);
    if (failure === null) return;
    if (failures < FAILURES) this.#parts.warning(`a clone of a snapshot could not be started: ${failure}`);
    else await this.#parts.store.refuse(key, failure);
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#making.then(work);
    this.#making = turn.catch(() => {}); // Whoever asked is told.
    return turn;
  }
}

/** What a snapshot of a version holds: its code under its limits, with its directories, as these tools make it. A policy may grant less of them with the next start. */
function contentOf({ id, grant: { limits, files, scratch } }: LoadedVersion): string {
  return `${id} ${JSON.stringify([limits, files, scratch])} ${TOOLS}`;
}
