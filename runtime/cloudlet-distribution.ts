import type { FunctionName, Published } from '../guest-sdk/protocol/index.ts';
import type { ChangeFeed } from './change-feed.ts';
import { type CloudletParts, publishParts } from './cloudlet-parts.ts';
import { Distribution } from './distribution/index.ts';
import type { Publishers } from './function/publishers.ts';
import { publishReceived } from './provision/index.ts';
import type { WorkInProgress } from './work-in-progress.ts';

/** What the registry of a cloudlet changes beside the registry. */
interface DistributionWorld {
  readonly feed: ChangeFeed;
  readonly work: WorkInProgress;
  readonly publishers: Pick<Publishers, 'signed'>;
  readonly registered: (published: Published) => void;
  /** Removes a version that no call goes to, and in which none runs. */
  readonly remove: (name: FunctionName, version: number) => Promise<void>;
}

/** The functions of a cloudlet as an OCI registry. */
export function openDistribution(
  parts: CloudletParts,
  { feed, work, publishers, registered, remove }: DistributionWorld,
): Distribution {
  const { data, limits } = parts;
  return new Distribution({
    data,
    limits,
    signed: (name, digest) => {
      publishers.signed(name, digest);
      feed.emit({ kind: 'functions' });
    },
    publish: async (name, received, options) => {
      const publish = (signal: AbortSignal) =>
        publishReceived(publishParts(parts), name, received, { ...options, signal });
      const published = await work.do(publish, options.signal);
      registered(published);
      return published;
    },
    removeVersion: async (name, version) => {
      await remove(name, version);
      feed.emit({ kind: 'functions' });
    },
  });
}
