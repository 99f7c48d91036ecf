import type { CloudletFacts, Deployment, FunctionName, Published } from '../../../guest-sdk/protocol/index.ts';
import type { Clock } from '../../sandbox/index.ts';
import type { PublishOptions } from '../publish.ts';
import type { DeploymentStore } from './deployment-store.ts';
import type { DeploymentPatience } from './progress-watch.ts';
import type { Rung } from './rung.ts';
import type { Wish } from './wish.ts';

/** What deployments are made with. */
export interface DeploymentsOptions {
  readonly store: DeploymentStore;
  readonly rungs: readonly Rung<Wish>[];
  /** Publishes a body. */
  readonly publish: (
    name: FunctionName,
    body: AsyncIterable<Uint8Array>,
    options: PublishOptions,
  ) => Promise<Published>;
  /** What this cloudlet has, for requirements. */
  readonly facts: () => Promise<CloudletFacts>;
  /** Whether what a deployment that was cut off was to bring is here all the same, and its address then. */
  readonly isComplete?: (deployment: Deployment) => string | null;
  /** What happened could not be written down: the disk is full, or fails. */
  readonly failed?: (error: unknown) => void;
  /** A deployment began, went on or ended. */
  readonly changed?: () => void;
  /** How long one may take; what is left out has its default. */
  readonly patience?: Partial<DeploymentPatience>;
  readonly clock?: Clock;
  readonly now?: () => Date;
}

/** Deployments at once: each may hold parts and a machine. */
export const DEPLOYMENT_PLACES = {
  ...{ limit: 64, share: 1, what: 'deployments at once' },
  ...{ remedy: 'try again when one of yours has ended', retryAfterS: 10 },
};
