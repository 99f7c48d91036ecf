import type { FunctionName } from '../guest-sdk/protocol/index.ts';
import type { CloudletParts } from './cloudlet-parts.ts';
import { FunctionCalls } from './function/function-calls.ts';
import { FunctionVersions } from './function/function-versions.ts';
import type { Functions } from './function/functions.ts';
import type { Publishers } from './function/publishers.ts';
import { Retention } from './function/retention.ts';
import { VersionTrials } from './function/version-trials.ts';
import type { Invocations } from './invocation/invocations.ts';
import type { SandboxPool } from './sandbox/index.ts';
import type { WorkInProgress } from './work-in-progress.ts';

/** What versions are opened beside. */
export interface VersionsAround {
  readonly pool: SandboxPool;
  readonly functions: Functions;
  readonly invocations: Invocations;
  readonly publishers: Pick<Publishers, 'of' | 'check'>;
  readonly work: WorkInProgress;
  /** Removes a function. */
  readonly remove: (name: FunctionName) => Promise<void>;
  /** Calls of a function may go to other versions now. */
  readonly changed: (name: FunctionName) => void;
}

/** The versions of a cloudlet's functions, who calls them, who tries new ones, and who removes the old. */
export function openVersions(
  { data, compiler, limits, observer, logs, random }: CloudletParts,
  { pool, functions, invocations, publishers, work, remove, changed }: VersionsAround,
): {
  readonly versions: FunctionVersions;
  readonly calls: FunctionCalls;
  readonly trials: VersionTrials;
  readonly retention: Retention;
} {
  // What fails of it has been told, or the cloudlet closes.
  const tracked = (going: Promise<unknown>) => void work.track(going).catch(() => {});
  const trials = new VersionTrials({ functions, pool, registry: data.registry, remove });
  const retention = new Retention({
    registry: data.registry,
    versions: limits.versions,
    onTrial: (name) => trials.of(name),
    drop: (id) => pool.drop(id),
    collectGarbage: () => data.collectGarbage(),
    forget: (digest) => compiler.forget(digest),
    tracked,
    failed: (error) => observer.warning?.(`old versions could not be removed: ${String(error)}`),
  });
  return {
    versions: new FunctionVersions({ data, pool, functions, publishers, retention, tracked, changed }),
    calls: new FunctionCalls({
      checkOpen: () => work.checkOpen(),
      data,
      functions,
      invocations,
      logs,
      uses: retention.uses,
      random,
    }),
    ...{ trials, retention },
  };
}
