import type { CloudletError, Digest, FunctionName, Published } from '../../../../guest-sdk/protocol/index.ts';
import type { HostPolicy } from '../../../grant/index.ts';

import type { PublishOptions } from '../../publish.ts';
import type { RegistryPulls } from '../../registry/registry-pulls.ts';
import type { ChunkIndex } from '../chunk-index.ts';
import type { PartStore } from '../part-store.ts';
import type { Provisioned, Rung } from '../rung.ts';
import type { Wish } from '../wish.ts';
import { cachedRung, runningRung } from './known-function.ts';
import { pulledRung } from './pulled-function.ts';
import { differenceRung, packageRung } from './pushed-function.ts';

/** What is known here of functions, and done with them. */
export interface FunctionRungParts {
  /** The current version of a name; undefined when there is no such function. */
  readonly current: (name: FunctionName) => CurrentFunction | undefined;
  /** Whether some version of some function is, or has, this component or package. */
  readonly isKnown: (digest: Digest) => boolean;
  /** Blobs that the current version of a name consists of. */
  readonly blobsOf: (name: FunctionName) => readonly Digest[];
  /** Blobs that the current versions of all functions consist of. */
  readonly allBlobs: () => readonly Digest[];
  /** Resolves when a sandbox has the current version of a name loaded. */
  readonly warm: (name: FunctionName) => Promise<void>;
  readonly publish: (
    name: FunctionName,
    body: AsyncIterable<Uint8Array>,
    options: PublishOptions,
  ) => Promise<Published>;
  /** Takes back a version that serves, since not all of it came. */
  readonly withdraw: (published: Published, why: CloudletError, makeRoom: () => Promise<void>) => Promise<void>;
  readonly publishKnown: (
    name: FunctionName,
    digest: Digest,
    options: Pick<PublishOptions, 'onProgress' | 'signal'>,
  ) => Promise<Published>;
  /** What is pulled by its reference in a registry. */
  readonly registries: Pick<RegistryPulls, 'fault' | 'pull'>;
  readonly parts: PartStore;
  readonly chunks: ChunkIndex;
  /** From which hosts may be pulled, and how much. */
  readonly policy: Pick<HostPolicy, 'http' | 'privateNetworks'>;
  readonly limitBytes: number;
}

/** A function's current version. */
export interface CurrentFunction {
  readonly digest: Digest;
  /** Whether a sandbox has it loaded. */
  readonly isWarm: boolean;
  /** Whether all of it is here. */
  readonly isWhole: boolean;
}

/** The ways to come to a function. */
export function functionRungs(parts: FunctionRungParts): Rung<Wish>[] {
  return [runningRung(parts), cachedRung(parts), pulledRung(parts), differenceRung(parts), packageRung(parts)];
}

/** What was published, as what was provisioned. */
export function provisionedFunction(published: Published): Provisioned {
  const { name, address, digest } = published;
  return { kind: 'function', name, address, digest: digest as Digest, published };
}
