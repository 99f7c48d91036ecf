/**
 * Deployments over a real data directory, with rungs that a test makes.
 */
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Deployment,
  type DeploymentEvent,
  type Digest,
  digestOfHex,
  type Published,
  parseDeploymentRequest,
} from '../../../../guest-sdk/protocol/index.ts';
import {
  DeploymentStore,
  Deployments,
  type DeploymentsOptions,
  type Offer,
  type Part,
  type Provisioned,
  type Rung,
  type RungContext,
  type Wish,
} from '../../../../runtime/provision/index.ts';
import { DataDir } from '../../../../runtime/store/index.ts';
import { FakeClock } from '../../../support/fake-clock.ts';

/** Deployments in a folder of their own. */
export interface DeploymentsLab {
  readonly deployments: Deployments;
  readonly store: DeploymentStore;
  readonly data: DataDir;
  readonly clock: FakeClock;
  /** Leaves all as a killed host would, and opens it again. */
  crash(options?: Partial<DeploymentsOptions>): Promise<void>;
  close(): Promise<void>;
}

/** Opens them with these rungs. */
export async function openDeploymentsLab(
  rungs: readonly Rung<Wish>[],
  options: Partial<DeploymentsOptions> = {},
): Promise<DeploymentsLab> {
  const folder = await mkdtemp(join(tmpdir(), 'cloudlet-deployments-'));
  const clock = new FakeClock();
  const open = async (more: Partial<DeploymentsOptions> = {}) => {
    const data = await DataDir.open(join(folder, 'data'));
    const store = await DeploymentStore.open(data);
    const publish = async (): Promise<Published> => Promise.reject(new Error('nothing is published here'));
    const facts = async () => ({
      ...{ memoryMib: 1024, diskMib: 1024, processors: 2 },
      ...{ isa: 'x86_64', accelerator: 'tcg', mechanism: ['push'] },
    });
    const deployments = new Deployments({ store, rungs, publish, facts, clock, ...options, ...more });
    return { data, store, deployments };
  };
  let opened = await open();
  return {
    clock,
    get deployments() {
      return opened.deployments;
    },
    get store() {
      return opened.store;
    },
    get data() {
      return opened.data;
    },
    async crash(more) {
      opened.store.close();
      opened.data.close();
      opened = await open(more);
    },
    async close() {
      await opened.deployments.close();
      opened.store.close();
      opened.data.close();
      await rm(folder, { recursive: true });
    },
  };
}

/** A request for the function `photo`, with more that is wanted. */
export function request(want: object = {}, more: object = {}) {
  return parseDeploymentRequest({ want: { function: 'photo', ...want }, ...more });
}

/** What these rungs provision. */
export const PHOTO: Provisioned = {
  ...{ kind: 'function', name: 'photo', address: '/v1/functions/photo' },
  digest: digestOfHex('f'.repeat(64)),
};

/** A rung that can always be taken. */
export function rung(
  name: Rung<Wish>['name'],
  provision: (context: RungContext) => Promise<Provisioned>,
  missing: readonly Part[] = [],
): Rung<Wish> {
  return { name, offer: async (): Promise<Offer> => ({ missing, provision }) };
}

/** Bytes as a part. */
export function partOf(bytes: Uint8Array): Part {
  return { digest: sha256(bytes), bytes: bytes.length };
}

export function sha256(bytes: Uint8Array): Digest {
  return digestOfHex(createHash('sha256').update(bytes).digest('hex'));
}

/** All events of a deployment up to its end. */
export async function eventsOf(deployments: Deployments, id: string, after = 0): Promise<DeploymentEvent[]> {
  const found: DeploymentEvent[] = [];
  for await (const event of deployments.events(id, after)) found.push(event);
  return found;
}

/** How a deployment ended. */
export async function endOf(deployments: Deployments, id: string): Promise<Deployment> {
  await eventsOf(deployments, id);
  return deployments.get(id);
}

export async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

/** A signal that never fires. */
export const NEVER: AbortSignal = new AbortController().signal;
