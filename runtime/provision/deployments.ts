import { randomUUID } from 'node:crypto';
import {
  asCloudletError,
  CloudletError,
  type Deployment,
  type FunctionName,
  type Published,
} from '../../guest-sdk/protocol/index.ts';
import { Bell } from './bell.ts';
import type { PublishProgress } from './publish.ts';

/** Deployments that ended and are still remembered. */
const KEPT = 100;

/** What a deployment does: reports its progress and gives what was published. */
export type Provisioning = (report: (progress: PublishProgress) => void) => Promise<Published>;

interface Entry {
  deployment: Deployment;
  readonly bell: Bell;
}

/** Acts of provisioning by id, each with its state, and whoever watches it. */
export class Deployments {
  readonly #entries = new Map<string, Entry>();

  /**
   * Starts one. Resolves with its state once the body was received, and rejects with what failed before; later failures are
   * its last state.
   */
  async start(name: FunctionName, provisioning: Provisioning): Promise<Deployment> {
    const id = randomUUID();
    const entry: Entry = {
      deployment: { id, function: name, state: 'receiving', bytesDone: 0, bytesTotal: null },
      bell: new Bell(),
    };
    this.#entries.set(id, entry);
    const received = Promise.withResolvers<void>();
    const ended = provisioning(({ stage, bytesDone, bytesTotal }) => {
      change(entry, { state: stage, bytesDone, bytesTotal });
      if (stage !== 'receiving') received.resolve();
    }).then(
      (published) => {
        change(entry, { state: 'ready', bytesDone: published.sizeBytes, bytesTotal: published.sizeBytes, published });
        received.resolve();
      },
      (error: unknown) => {
        const { code, message } = asCloudletError(error);
        const receiving = entry.deployment.state === 'receiving';
        change(entry, { state: 'failed', problem: { code, detail: message } });
        if (receiving) this.#entries.delete(id);
        received.reject(error);
      },
    );
    void ended.then(() => this.#forget());
    await received.promise;
    return entry.deployment;
  }

  /** The present state; `not-found` when there is none of this id, or it ended long ago. */
  get(id: string): Deployment {
    return this.#entry(id).deployment;
  }

  /** States from the present one on; the last is `ready` or `failed`. Who reads slowly misses states in between. */
  watch(id: string, signal?: AbortSignal): AsyncIterable<Deployment> {
    return states(this.#entry(id), signal);
  }

  #entry(id: string): Entry {
    const entry = this.#entries.get(id);
    if (entry !== undefined) return entry;
    throw new CloudletError(
      'not-found',
      `expected the id of a deployment, got ${JSON.stringify(id.slice(0, 64))}; old ones are forgotten`,
    );
  }

  #forget(): void {
    const ended = [...this.#entries].filter(([, { deployment }]) => isOver(deployment));
    for (const [id] of ended.slice(0, Math.max(0, ended.length - KEPT))) this.#entries.delete(id);
  }
}

async function* states(entry: Entry, signal: AbortSignal = new AbortController().signal): AsyncGenerator<Deployment> {
  let told: Deployment | undefined;
  while (!signal.aborted) {
    if (entry.deployment === told) {
      await entry.bell.rung(signal);
      continue;
    }
    told = entry.deployment;
    yield told;
    if (isOver(told)) return;
  }
}

function change(entry: Entry, news: Partial<Deployment>): void {
  entry.deployment = { ...entry.deployment, ...news };
  entry.bell.ring();
}

function isOver({ state }: Deployment): boolean {
  return state === 'ready' || state === 'failed';
}
