import { randomUUID } from 'node:crypto';
import { CloudletError, type Deployment, type DeploymentRung } from '../../../guest-sdk/protocol/index.ts';
import type { RungProgress } from './rung.ts';

/** A deployment as it begins, under an id of its own, which may be one that its device chose. */
export function newDeployment(
  kind: 'function' | 'service',
  name: string,
  rung: DeploymentRung,
  last: RungProgress,
  startedAt: Date,
  id: string = randomUUID(),
): Deployment {
  return {
    ...{ id, kind, name, ...(kind === 'function' ? { function: name } : {}) },
    ...{ rung, stage: last.stage, state: last.stage },
    ...{ bytesDone: last.bytesDone ?? 0, bytesTotal: last.bytesTotal ?? null, estimateS: null },
    ...{ startedAt: startedAt.toISOString(), endedAt: null },
    ...(last.digest === undefined ? {} : { digest: last.digest }),
  };
}

/** Leaves a place again when what was to have it cannot begin. */
export function kept<T>(leave: () => void, begin: () => T): T {
  try {
    return begin();
  } catch (error) {
    leave();
    throw error;
  }
}

/** Refuses an id that a deployment has, or had. */
export function expectUnused(id: string | undefined, find: (id: string) => Deployment | undefined): void {
  if (id !== undefined && find(id) !== undefined)
    throw new CloudletError('conflict', `expected the id of no deployment that there was, got ${id}`);
}
