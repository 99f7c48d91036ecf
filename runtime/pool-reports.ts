import type { ChangeFeed } from './change-feed.ts';
import { parseVersionId } from './function/function-version.ts';
import type { VersionLog } from './function/version-log.ts';
import type { CloudletObserver } from './observer.ts';
import type { PoolObserver } from './sandbox/index.ts';

/**
 * Passes on what the pool reports: guests' output to the logs of their functions, changes to the feed, the rest to the host.
 * A start that was given up because the cloudlet closes, which `closing` says, is no news.
 */
export function poolObserver(
  observer: CloudletObserver,
  feed: ChangeFeed,
  log: VersionLog,
  closing: AbortSignal,
): PoolObserver {
  const changed = (): void => {
    feed.emit({ kind: 'sandboxes' });
    feed.emit({ kind: 'functions' });
  };
  return {
    log: ({ version, ...line }) => log(version, line),
    sandboxStarted: ({ id, version, via, ms }) => {
      observer.sandboxStarted?.({ id, name: parseVersionId(version).name, via, ms });
      changed();
    },
    sandboxClosed: ({ id, cause, reason }) => {
      observer.sandboxClosed?.({ id, cause, reason });
      changed();
    },
    sandboxParked: () => feed.emit({ kind: 'sandboxes' }),
    prepared: ({ version: id, ms }) => {
      const { name, version } = parseVersionId(id);
      observer.prepared?.({ name, version, ms });
      feed.emit({ kind: 'prepared', function: name, version });
    },
    outsideFailed: ({ version, service, reason }) =>
      observer.warning?.(`"${parseVersionId(version).name}": the service ${service} failed: ${reason}`),
    troubled: ({ version, reason }) => observer.warning?.(`"${parseVersionId(version).name}": ${reason}`),
    startFailed: ({ version, reason }) => {
      if (closing.aborted) return;
      observer.warning?.(`a sandbox for "${parseVersionId(version).name}" could not be started: ${reason}`);
      changed();
    },
  };
}
