import { join } from 'node:path';
import { CloudletError, type Digest } from '../../guest-sdk/protocol/index.ts';
import { abortError } from '../store/index.ts';
import type { Artifact } from './artifact.ts';
import { ArtifactCache } from './artifact-cache.ts';
import { refused } from './binary/byte-reader.ts';
import { commandArtifact } from './command/command-artifact.ts';
import { type ConfinementLimits, DEFAULT_CONFINEMENT, type NetworkIsolation } from './confined/confinement.ts';
import { Translators } from './confined/translators.ts';
import { inspectComponent } from './inspect.ts';
import { artifactAlike, type Skeleton, skeletonOf } from './skeleton.ts';
import { SkeletonIndex } from './skeleton-index.ts';

/** Longest WASI 0.1 command that is rewritten in this process: 30 to 80 ms, where a child takes half a second to be there. */
const MAX_REWRITTEN_HERE_BYTES = 1024 * 1024;

/** Where artifacts are kept, and what making them may take. */
export interface ComponentCompilerOptions {
  /** Folder for what can be made again; made when missing. */
  readonly cacheDir: string;
  readonly confinement?: Partial<ConfinementLimits>;
  /** Has a confined child wait for the next component, its tools loaded; left out, none does. */
  readonly ahead?: boolean;
}

/** Gives the component's bytes when they are needed: an artifact in the cache needs none. */
export type ComponentBytes = Uint8Array | (() => Promise<Uint8Array>);

/** Turns components into artifacts, one at a time, each in a confined child unless it only has to be rewritten, and keeps them on disk by digest and tool versions. */
export class ComponentCompiler {
  readonly #cache: ArtifactCache;
  readonly #skeletons: SkeletonIndex;
  readonly #translators: Translators;
  readonly #closing = new AbortController();
  /** The translation in progress and those that wait for it: two at once would need twice the memory and end no sooner. */
  #last: Promise<unknown> = Promise.resolve();
  /** What is being read from the cache. */
  readonly #reading = new Set<Promise<unknown>>();

  constructor({ cacheDir, confinement, ahead = false }: ComponentCompilerOptions) {
    this.#cache = new ArtifactCache(join(cacheDir, 'artifacts'));
    this.#skeletons = new SkeletonIndex(join(cacheDir, 'skeletons'));
    this.#translators = new Translators({ limits: { ...DEFAULT_CONFINEMENT, ...confinement }, ahead });
  }

  /** The artifact of a component, from the cache or made now. Throws `component-refused` for a component that cannot run. */
  async compile(component: ComponentBytes, digest: Digest, signal?: AbortSignal): Promise<Artifact> {
    const both = AbortSignal.any([this.#closing.signal, ...(signal === undefined ? [] : [signal])]);
    if (both.aborted) throw abortError(both);
    const kept = await this.cached(digest);
    if (kept !== null) return kept;
    if (both.aborted) throw abortError(both);
    const turn = this.#last.then(() => this.#make(component, digest, both));
    this.#last = turn.catch(() => {});
    return until(turn, both);
  }

  /** The artifact of a component when it is in the cache, else null. */
  cached(digest: Digest): Promise<Artifact | null> {
    const reading = this.#cache.load(digest).finally(() => this.#reading.delete(reading));
    this.#reading.add(reading);
    return reading;
  }

  /** Forgets the artifact of a component that is not published any more. */
  forget(digest: Digest): Promise<void> {
    return this.#cache.remove(digest);
  }

  /** What keeps the network away from the child: for `status` and the log. */
  networkIsolation(): Promise<NetworkIsolation> {
    return this.#translators.networkIsolation();
  }

  /** Kills the translation in progress, gives up those that wait, and resolves when no child and no file of the cache is left. Idempotent. */
  async close(): Promise<void> {
    this.#closing.abort(new CloudletError('draining', 'the cloudlet is shutting down'));
    await this.#last;
    await Promise.allSettled(this.#reading);
    await this.#translators.close();
  }

  async #make(component: ComponentBytes, digest: Digest, signal: AbortSignal): Promise<Artifact> {
    if (signal.aborted) throw abortError(signal);
    // Someone before in the queue may have asked for the same component.
    const kept = await this.#cache.load(digest);
    if (kept !== null) return kept;
    const bytes = typeof component === 'function' ? await component() : component;
    const { kind, ...info } = inspectComponent(bytes);
    if (kind === 'core-module' && bytes.length <= MAX_REWRITTEN_HERE_BYTES) {
      const command = commandArtifact(bytes, digest);
      if (command !== null) {
        await this.#cache.save(command);
        return command;
      }
    }
    const skeleton = kind === 'component' ? skeletonOf(bytes) : null;
    const alike = skeleton === null ? null : await this.#alike(skeleton, digest);
    if (alike !== null) return alike;
    const translated = kind === 'component' && info.asynchronous ? 'async-component' : kind;
    const artifact = await this.#translators.translate(bytes, digest, translated, signal);
    // The child is not believed where we know better.
    if (kind === 'component' && artifact.manifest.functions.length !== info.functions.length) {
      throw refused('the component could not be translated: its translation has other functions');
    }
    await this.#cache.save(artifact);
    if (skeleton !== null) await this.#skeletons.note(skeleton, digest);
    return artifact;
  }

  /** Made of the artifact of a component that differs only in the memory that it starts with, as an edited function does. */
  async #alike(skeleton: Skeleton, digest: Digest): Promise<Artifact | null> {
    const known = await this.#skeletons.find(skeleton);
    const base = known === null ? null : await this.#cache.load(known.component);
    if (known === null || base === null) return null;
    const artifact = artifactAlike(base, known.memories, skeleton, digest);
    if (artifact === null) return null;
    await this.#cache.save(artifact);
    await this.#skeletons.note(skeleton, digest);
    return artifact;
  }
}

/** Settles with the promise, or earlier with `abortError` when the signal fires; the work itself is told by the same signal. */
async function until<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = (): void => reject(abortError(signal));
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
