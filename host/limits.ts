import { type CloudletLimits, DEFAULT_LIMITS } from '../runtime/index.ts';
import type { HostConfig } from './config.ts';

type ChosenLimits = Pick<
  HostConfig,
  'memoryMib' | 'idleS' | 'retain' | 'deploymentIdleS' | 'deploymentTimeS' | 'serviceIdleS'
>;

/** The limits of a cloudlet; what the operator chose goes before what the program did. */
export function limitsOf(chosen: ChosenLimits, given: Partial<CloudletLimits> = {}): CloudletLimits {
  const limits = { ...DEFAULT_LIMITS, ...given };
  const { memoryMib, idleS, retain, deploymentIdleS, deploymentTimeS, serviceIdleS } = chosen;
  return {
    ...limits,
    ...(retain === undefined ? {} : { versions: retain }),
    pool: {
      ...limits.pool,
      ...(memoryMib === undefined ? {} : { memoryBytes: memoryMib * 1024 * 1024 }),
      ...(idleS === undefined ? {} : { idleMs: idleS * 1000 }),
    },
    deployments: {
      ...limits.deployments,
      ...(deploymentIdleS === undefined ? {} : { silentMs: deploymentIdleS * 1000 }),
      ...(deploymentTimeS === undefined ? {} : { wholeMs: deploymentTimeS * 1000 }),
    },
    services: { ...limits.services, ...(serviceIdleS === undefined ? {} : { quietMs: serviceIdleS * 1000 }) },
  };
}
