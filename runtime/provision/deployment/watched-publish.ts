import { type CloudletError, type Published, parseDigest } from '../../../guest-sdk/protocol/index.ts';
import type { Clock } from '../../sandbox/index.ts';
import type { PublishOptions } from '../publish.ts';
import { type DeploymentPatience, ProgressWatch } from './progress-watch.ts';
import type { RungProgress } from './rung.ts';
import type { WatchedDeployment } from './watched-deployment.ts';

/** What a publish is watched with. */
export interface PublishWatch {
  readonly clock: Clock;
  readonly patience: DeploymentPatience;
  /** Of the body's sender. */
  readonly signal: AbortSignal | undefined;
  /** What is told of an error. */
  readonly told: (error: unknown) => CloudletError;
}

/** A publish that goes on. */
export interface WatchedPublish {
  /** Resolves once the body was received; rejects with what failed before. */
  readonly received: Promise<void>;
  /** Settles when it is over; never rejects. `isUnreceived`: it failed before the body was here. */
  readonly ended: Promise<{ readonly isUnreceived: boolean }>;
}

/** Has a body published, and tells of it as of a deployment. */
export function watchPublish(
  watched: WatchedDeployment,
  publish: (options: Pick<PublishOptions, 'signal' | 'onProgress'>) => Promise<Published>,
  { clock, patience, signal, told }: PublishWatch,
): WatchedPublish {
  const received = Promise.withResolvers<void>();
  const late = new AbortController();
  const watch = new ProgressWatch(clock, patience, (error) => late.abort(error));
  const onProgress = (progress: RungProgress): void => {
    watched.progress(progress);
    watch.saw(progress);
    if (progress.stage !== 'receiving') received.resolve();
  };
  const all = AbortSignal.any([late.signal, ...(signal === undefined ? [] : [signal])]);
  const ended = publish({ signal: all, onProgress }).then(
    (published) => {
      watched.ready({ address: published.address, digest: parseDigest(published.digest), published });
      received.resolve();
      return { isUnreceived: false };
    },
    (error: unknown) => {
      const isUnreceived = watched.state.stage === 'receiving';
      watched.failed(told(error));
      received.reject(error);
      return { isUnreceived };
    },
  );
  return { received: received.promise, ended: ended.finally(() => watch.end()) };
}
