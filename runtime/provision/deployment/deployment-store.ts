import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { CloudletError, type Deployment, type Digest } from '../../../guest-sdk/protocol/index.ts';
import { Database } from '../../outside/database.ts';
import { asDatabaseError, type DataDir } from '../../store/index.ts';
import { ChunkIndex } from './chunk-index.ts';
import { DeploymentHistory, type HistoryLimits } from './deployment-history.ts';
import { MIGRATIONS } from './deployment-schema.ts';
import { Dictionaries } from './dictionaries.ts';
import { PartStore, type PartStoreOptions } from './part-store.ts';

/** What deployments keep in the data directory: their history, parts that were sent, which chunks blobs consist of, and which blobs may be compressed with. */
export class DeploymentStore {
  readonly history: DeploymentHistory;
  readonly parts: PartStore;
  readonly chunks: ChunkIndex;
  readonly dictionaries: Dictionaries;
  readonly #database: Database;

  private constructor(database: Database, data: DataDir, parts: PartStore, limits: Partial<HistoryLimits>) {
    this.#database = database;
    this.history = new DeploymentHistory(database, limits);
    this.parts = parts;
    const isStored = (blob: Digest) => data.registry.inUse(blob);
    this.chunks = new ChunkIndex(database, data.blobs, isStored);
    this.dictionaries = new Dictionaries(data.blobs, isStored);
  }

  /** Opens or makes it in a data directory. */
  static async open(
    data: DataDir,
    options: PartStoreOptions & { readonly history?: Partial<HistoryLimits> } = {},
  ): Promise<DeploymentStore> {
    const directory = join(data.path, 'deployments');
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const parts = await PartStore.open(join(directory, 'parts'), options);
    const file = join(directory, 'deployments.sqlite');
    try {
      const database = Database.open(file, { synchronous: 'NORMAL', migrations: MIGRATIONS });
      const store = new DeploymentStore(database, data, parts, options.history ?? {});
      store.chunks.forgetGone();
      // What something was made of before the last host could remove it.
      await parts.remove(
        [...parts.digests()].filter((digest) => store.chunks.has(digest)),
        () => false,
      );
      return store;
    } catch (error) {
      throw asDatabaseError(error, file);
    }
  }

  /** Ends what the last host did not: `isComplete` gives the address of what is here all the same. */
  recover(isComplete: (deployment: Deployment) => string | null, now: Date): void {
    for (const deployment of this.history.unfinished()) {
      const address = isComplete(deployment);
      const end =
        address === null
          ? { stage: 'failed', problem: problemOf(new CloudletError('interrupted', INTERRUPTED)) }
          : { stage: deployment.stage === 'ready' ? 'complete' : 'ready', address };
      const data = { ...deployment, ...end, state: end.stage, estimateS: null, endedAt: now.toISOString() };
      this.history.tell(data, [{ event: 'state', data }]);
    }
    this.history.prune();
  }

  /** Idempotent. */
  close(): void {
    this.#database.close();
  }
}

const INTERRUPTED =
  'the cloudlet ended before the deployment was ready, and nothing is left of it but parts that were sent; ask again';

function problemOf({ code, message }: CloudletError): NonNullable<Deployment['problem']> {
  return { code, detail: message };
}
