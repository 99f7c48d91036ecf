import type { Published } from '../guest-sdk/protocol/index.ts';
import type { ChangeFeed } from './change-feed.ts';
import { type CloudletParts, publishParts } from './cloudlet-parts.ts';
import { Distribution } from './distribution/index.ts';
import { versionId } from './function/function-version.ts';
import { publishReceived } from './provision/index.ts';
import type { SandboxPool } from './sandbox/index.ts';
import type { WorkInProgress } from './work-in-progress.ts';

/** What the registry of a cloudlet changes beside the registry. */
interface DistributionWorld {
  readonly pool: SandboxPool;
  readonly feed: ChangeFeed;
  readonly work: WorkInProgress;
  readonly registered: (published: Published) => void;
}

/** The functions of a cloudlet as an OCI registry. */
export function openDistribution(
  parts: CloudletParts,
  { pool, feed, work, registered }: DistributionWorld,
): Distribution {
  const { data, compiler, limits } = parts;
  return new Distribution({
    data,
    limits,
    publish: async (name, received, options) => {
      const publish = (signal: AbortSignal) =>
        publishReceived(publishParts(parts), name, received, { ...options, signal });
      const published = await work.do(publish, options.signal);
      registered(published);
      return published;
    },
    removeVersion: async (name, version) => {
      const removed = data.registry.version(name, version);
      data.registry.removeVersion(name, version);
      pool.drop(versionId(name, removed));
      for (const digest of await data.collectGarbage()) await compiler.forget(digest);
      feed.emit({ kind: 'functions' });
    },
  });
}
