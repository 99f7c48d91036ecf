import { statfs } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import {
  CloudletError,
  type CloudletFacts,
  type Deployment,
  type Digest,
  type FunctionName,
  type Published,
} from '../guest-sdk/protocol/index.ts';
import type { ChangeFeed } from './change-feed.ts';
import { type CloudletParts, publishParts } from './cloudlet-parts.ts';
import { serviceRungs } from './cloudlet-service-rungs.ts';
import { versionId } from './function/function-version.ts';
import type { Functions } from './function/functions.ts';
import {
  Deployments,
  type Dictionaries,
  type FunctionRungParts,
  functionRungs,
  type PublishOptions,
  publishStored,
  RegistryPulls,
  takenBack,
} from './provision/index.ts';
import type { SandboxPool } from './sandbox/index.ts';
import type { Services } from './service/index.ts';

/** What callers do with deployments. */
export type DeploymentDesk = Pick<
  Deployments,
  'ask' | 'coming' | 'publish' | 'list' | 'get' | 'events' | 'wanted' | 'part' | 'cancel'
> & {
  /** What bodies may be compressed with. */
  readonly dictionaries: Pick<Dictionaries, 'read'>;
};

/** What deployments are put together from. */
export interface DeploymentWorld {
  readonly parts: CloudletParts;
  readonly functions: Functions;
  readonly pool: SandboxPool;
  readonly services: Services;
  readonly feed: ChangeFeed;
  readonly publish: FunctionRungParts['publish'];
  /** A version was registered, or the same digest came again. */
  readonly registered: (published: Published) => void;
  /** The current version of a name may be another. */
  readonly changed: (name: FunctionName) => void;
  readonly remove: (name: FunctionName) => Promise<void>;
}

/** The deployments of a cloudlet, with all the ways that it has. */
export function openDeployments(world: DeploymentWorld): Deployments {
  const { parts, services, feed, publish, registered } = world;
  const { data, limits, policy, deployed, observer } = parts;
  const limitBytes = Math.max(limits.componentBytes, limits.packageBytes);
  const directory = join(data.path, 'pulls');
  const pulls = new RegistryPulls({ publish: publishParts(parts), directory, rules: policy });
  return new Deployments({
    store: deployed,
    publish,
    patience: limits.deployments,
    clock: parts.deploymentClock,
    rungs: [
      ...serviceRungs(parts, services),
      ...functionRungs({
        current: (name) => current(world, name),
        isKnown: (digest) => data.registry.versionBlobs.holder(digest) !== undefined,
        blobsOf: (name) => {
          const isPublished = data.registry.find(name) !== undefined;
          return isPublished ? data.registry.versionBlobs.of(name, data.registry.version(name)) : [];
        },
        allBlobs: () => data.registry.versionBlobs.current(),
        warm: (name) => warm(world, name),
        publish: (name, body, options) => publish(name, body, withEarly(world, name, options)),
        withdraw: (published, why, makeRoom) =>
          takenBack(() => takeBack(world, published, why), makeRoom, parts.deploymentClock),
        publishKnown: async (name, digest, options) => {
          const published = await publishStored(publishParts(parts), name, digest, options);
          registered(published);
          return published;
        },
        registries: {
          fault: (reference) => pulls.fault(reference),
          pull: async (...asked) => {
            const published = await pulls.pull(...asked);
            registered(published);
            return published;
          },
        },
        ...{ parts: deployed.parts, chunks: deployed.chunks, policy, limitBytes },
      }),
    ],
    facts: () => cloudletFacts(world),
    isComplete: (deployment) => published(data, deployment) ?? served(services, deployment),
    failed: (error) => observer.warning?.(`a deployment could not be written down: ${String(error)}`),
    changed: () => feed.emit({ kind: 'deployments' }),
  });
}

/** Of a version that serves early a sandbox is started, as of one that is whole. */
function withEarly({ changed }: DeploymentWorld, name: FunctionName, options: PublishOptions): PublishOptions {
  const { early } = options;
  if (early === undefined) return options;
  const serves = (published: Published): void => {
    changed(name);
    early.serves(published);
  };
  return { ...options, early: { ...early, serves } };
}

/** Takes back a version that did not become whole, with its sandboxes; whoever is in one is told by its files. */
async function takeBack(
  { parts, pool, changed, remove }: DeploymentWorld,
  published: Published,
  why: CloudletError,
): Promise<void> {
  const { registry } = parts.data;
  const name = published.name as FunctionName;
  const found = registry.findVersion(name, published.version);
  // It was removed meanwhile, or came whole by another way.
  if (found === undefined || !registry.arriving.has(name, published.version)) return;
  pool.drop(versionId(name, found), why);
  if (registry.get(name).versions.length === 1) return remove(name);
  registry.withdraw(name, published.version);
  changed(name);
}

function current(
  { parts, functions, pool }: DeploymentWorld,
  name: FunctionName,
): ReturnType<FunctionRungParts['current']> {
  const found = parts.data.registry.find(name);
  const version = found?.versions.find((each) => each.version === found.current);
  if (version === undefined) return undefined;
  const isWarm = functions
    .versionIds(name)
    .some((id) => id.endsWith(version.digest) && pool.state(id).state === 'ready');
  return { digest: version.digest, isWarm, isWhole: !parts.data.registry.arriving.has(name, version.version) };
}

/** Starts a sandbox for the current version unless there is one. Where there is no room for it, it starts with the next call. */
async function warm({ functions, pool }: DeploymentWorld, name: FunctionName): Promise<void> {
  const { loaded } = await functions.current(name);
  await pool.prewarm(loaded);
  const { state, reason } = pool.state(loaded.id);
  if (state === 'failed') throw new CloudletError('machine-failed', `expected a sandbox for "${name}", got: ${reason}`);
}

async function cloudletFacts({ parts, pool }: DeploymentWorld): Promise<CloudletFacts> {
  const MIB = 1024 ** 2;
  const { bavail, bsize } = await statfs(parts.data.path);
  return {
    memoryMib: Math.floor(pool.memoryBytes / MIB),
    diskMib: Math.floor((bavail * bsize) / MIB),
    processors: availableParallelism(),
    isa: { x64: 'x86_64', arm64: 'aarch64' }[process.arch as string] ?? process.arch,
    accelerator: parts.source.accelerator.kind,
    mechanism: await parts.mechanisms.names(),
  };
}

/** The address of a function whose deployment was cut off after its version had been written. */
function published({ registry }: CloudletParts['data'], deployment: Deployment): string | null {
  if (deployment.kind !== 'function' || deployment.digest === undefined) return null;
  const found = registry.find(deployment.name as FunctionName);
  const version = found?.versions.find((each) => each.version === found.current);
  return version?.digest === (deployment.digest as Digest) ? `/v1/functions/${deployment.name}` : null;
}

/** The address of a service whose deployment was cut off after its image had been put under its name. */
function served(services: Services, { kind, name, digest }: Deployment): string | null {
  if (kind !== 'service' || digest === undefined) return null;
  return services.list().find((each) => each.name === name && each.image === digest)?.address ?? null;
}
