import { asCloudletError, type CloudletError } from '../../protocol/index.ts';
import { type Build, type BuildOptions, openBuilder } from '../build.ts';
import { readProject } from '../project.ts';
import { BuildWrites } from './build-writes.ts';
import { projectChanges } from './project-changes.ts';

/** What happens to a project that is developed. */
export type DevelopEvent =
  /** A build begins; of the first one nothing has changed. */
  | { readonly kind: 'building'; readonly changed: readonly string[] }
  | { readonly kind: 'warning'; readonly text: string }
  /** What was built serves now. `ms` is the time since the change was seen. */
  | { readonly kind: 'served'; readonly build: Build; readonly buildMs: number; readonly ms: number }
  /** It cannot be built, or what was built cannot be served: what served before goes on. */
  | { readonly kind: 'failed'; readonly error: CloudletError };

/** How a project is developed. */
export interface DevelopOptions extends Pick<BuildOptions, 'cache' | 'output' | 'strip'> {
  /** Makes what was built serve, in place of what did; resolves when it does. */
  readonly publish: (build: Build, signal: AbortSignal) => Promise<void>;
  readonly onEvent: (event: DevelopEvent) => void;
  /** Called when it serves; the next build waits for it. */
  readonly served?: (build: Build) => Promise<void>;
  /** Ends it. */
  readonly signal: AbortSignal;
  /** Builds again although nothing has changed, each time that it gives something. */
  readonly again?: AsyncIterator<unknown>;
}

/** How long after a build the last of what it wrote may be told by the system, milliseconds. */
const SETTLE_MS = 50;

async function settled(writes: BuildWrites): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  writes.end();
}

/**
 * Builds a project and has it served, again after each change, until `signal` fires. A change during a build begins another one as soon
 * as that has ended. Only what cannot be watched, or not any more, throws.
 */
export async function develop(folder: string, options: DevelopOptions): Promise<void> {
  const { onEvent, signal } = options;
  const builder = openBuilder();
  const writes = new BuildWrites();
  let watchToo = (_path: string): void => {};
  const run = async (changed: readonly string[]): Promise<void> => {
    const began = performance.now();
    onEvent({ kind: 'building', changed });
    // An existing program's build writes among its sources.
    const writesHere = await readProject(folder).then(
      ({ program }) => program !== null,
      () => false,
    );
    if (writesHere) writes.begin();
    try {
      const { cache, output, strip } = options;
      const building = builder.build(folder, {
        ...(cache === undefined ? {} : { cache }),
        ...(output === undefined ? {} : { output }),
        ...(strip === undefined ? {} : { strip }),
        signal,
        onSource: (path) => watchToo(path),
        onProgress: (progress) => progress.kind === 'warning' && onEvent(progress),
      });
      // Before anybody is told how it ended: what is saved in answer to that is an edit.
      const made = await building.finally(writesHere ? () => settled(writes) : undefined);
      const buildMs = performance.now() - began;
      await options.publish(made, signal);
      onEvent({ kind: 'served', build: made, buildMs, ms: performance.now() - began });
      await options.served?.(made);
    } catch (error) {
      if (!signal.aborted) onEvent({ kind: 'failed', error: asCloudletError(error) });
    }
  };
  // Watched from before the first build: what is edited during it is built next.
  const changes = projectChanges(folder, signal, {
    writes,
    outside: (add) => {
      watchToo = add;
    },
  });
  let next = changes.next();
  let asked = options.again?.next();
  try {
    await run([]);
    while (!signal.aborted) {
      const news = await Promise.race([next, ...(asked === undefined ? [] : [asked.then(() => null)])]);
      if (signal.aborted) return;
      if (news === null) {
        asked = options.again?.next();
        await run([]);
      } else {
        if (news.done === true) return;
        next = changes.next();
        await run(news.value);
      }
    }
  } finally {
    await builder.close();
    next.catch(() => {
      // Whoever left does not wait for another change.
    });
    void changes.return(undefined);
  }
}
