import type { Deployment, Digest, Part } from '../../../guest-sdk/protocol/index.ts';

/** A deployment that was asked for, and what its device is to send. */
export interface AskedDeployment {
  readonly deployment: Deployment;
  readonly missing: readonly Part[];
  /** The first of its dictionaries that is here, too. */
  readonly dictionary?: Digest | undefined;
}
