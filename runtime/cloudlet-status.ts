import { readFileSync } from 'node:fs';
import type { ServicesStatus, Status } from '../guest-sdk/protocol/index.ts';
import type { CloudletLimits } from './options.ts';
import type { Stores } from './outside/stores.ts';
import type { SandboxPool, SandboxSource } from './sandbox/index.ts';
import type { Registry } from './store/index.ts';

/** This program's version, as its package says. */
export const { version: VERSION } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

/** What a status is made from. */
export interface StatusParts {
  readonly id: string;
  readonly name: string;
  readonly limits: CloudletLimits;
  readonly source: SandboxSource;
  readonly pool: SandboxPool;
  readonly registry: Registry;
  readonly stores: Stores;
  readonly services: ServicesStatus;
  readonly mechanisms: readonly string[];
  readonly uptimeS: number;
}

/** The cloudlet's status at this moment. */
export async function cloudletStatus({
  id,
  name,
  limits,
  source,
  pool,
  registry,
  stores,
  services,
  mechanisms,
  uptimeS,
}: StatusParts): Promise<Status> {
  const { componentBytes, bodyBytes, deadlineMs, memoryMib, machines } = limits;
  const { running, queued, paused, privateBytes } = pool.load();
  const snapshots = await source.snapshots?.();
  return {
    id,
    name,
    version: VERSION,
    sandbox: source.kind,
    accelerator: source.accelerator,
    ...(source.hardening === undefined ? {} : { hardening: source.hardening }),
    ...(snapshots === undefined ? {} : { snapshots }),
    mechanisms: [...mechanisms],
    limits: { componentBytes, bodyBytes, deadlineMs, memoryMib, machines, sandboxBytes: pool.memoryBytes },
    load: {
      invocationsRunning: running,
      invocationsQueued: queued,
      sandboxesPaused: paused,
      sandboxBytes: privateBytes,
      rssBytes: process.memoryUsage.rss(),
    },
    functions: registry.count(),
    services,
    stores: stores.totalUsage(),
    machines: pool.sandboxes().length,
    uptimeS,
  };
}
