import { createReadStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { type Build, packBuilt } from '../../../guest-sdk/build/index.ts';
import { type CloudletClient, createClient } from '../../../guest-sdk/client/index.ts';
import { CloudletError, type Deployment, type FunctionName, isErrorCode } from '../../../guest-sdk/protocol/index.ts';
import { hostConfig, type ServeFlags } from '../../config.ts';
import { createJournal } from '../../journal.ts';
import { serve } from '../../main.ts';
import { accessTo, type HostFlags } from '../host-access/host-flags.ts';
import { nodeTransport } from '../host-access/node-transport.ts';
import { publishableProject } from '../publishable.ts';
import { typed } from '../usage-error.ts';

/** Where a function that is developed or tested runs. */
export interface DevHost {
  readonly client: CloudletClient;
  readonly url: string;
  readonly token: string | undefined;
  /** Its data directory, when it is this process's own. */
  readonly dataDir: string | null;
  readonly sandbox: string;
  /** Publishes what was built as `name`; resolves when calls go to it. */
  readonly publish: (name: FunctionName, build: Build, signal: AbortSignal) => Promise<void>;
  readonly close: () => Promise<void>;
}

/** Flags of a host that a verb runs for itself. */
export interface DevHostFlags extends HostFlags {
  readonly sandbox?: string;
  readonly policy?: string;
}

/** How long calls may go on when it closes, milliseconds. */
const DRAIN_MS = 1000;
/** After how long versions that nobody calls any more are given up, seconds: each edit leaves one. */
const IDLE_S = 30;

/** Versions that it keeps, the one that serves and the one before: each edit makes one. */
const RETAIN = 2;

/** The host that `--to` names, or one in this process, of its own, without isolation unless asked for, whose data is gone at the end. */
export async function openDevHost(flags: DevHostFlags): Promise<DevHost> {
  return flags.to === undefined ? ownHost(flags) : otherHost(flags);
}

async function ownHost({ sandbox = 'process', policy }: DevHostFlags): Promise<DevHost> {
  const dataDir = await mkdtemp(join(tmpdir(), 'cloudlet-dev-'));
  try {
    const chosen: ServeFlags = {
      port: 0,
      bind: '127.0.0.1',
      data: dataDir,
      sandbox,
      policy,
      idle: IDLE_S,
      retain: RETAIN,
    };
    const config = typed(() => hostConfig(chosen));
    const journal = createJournal({ write: () => {} });
    const quiet = { journal, say: () => {}, handleSignals: false, advertise: false, drainMs: DRAIN_MS, spare: true };
    const { url, cloudlet, close } = await serve(config, quiet);
    const token = cloudlet.ownerToken;
    return {
      ...{ url, token, dataDir, sandbox: config.sandbox },
      client: createClient({ url, token, transport: nodeTransport }),
      publish: async (name, build, signal) => {
        const packed = await packBuilt(build.project.folder, build.component);
        const body = packed === null ? createReadStream(build.component) : Readable.from(packed.pieces);
        await cloudlet.publish(name, body, { whenLoaded: true, signal });
      },
      close: async () => {
        await close();
        await rm(dataDir, { recursive: true, force: true });
      },
    };
  } catch (error) {
    await rm(dataDir, { recursive: true, force: true });
    throw error;
  }
}

async function otherHost(flags: DevHostFlags): Promise<DevHost> {
  const { client, token } = await accessTo(flags);
  const { sandbox } = await client.status();
  return {
    ...{ client, token, url: client.url, dataDir: null, sandbox },
    publish: async (name, build, signal) => {
      const { sizeBytes, digest, mediaType, send } = await publishableProject(build);
      let last: Deployment | undefined;
      const options = { sizeBytes, digest, mediaType, signal };
      for await (last of client.publish(
        name,
        send(() => {}),
        options,
      ));
      if (last?.state === 'ready') return;
      const code = last?.problem?.code ?? '';
      throw new CloudletError(
        isErrorCode(code) ? code : 'component-refused',
        last?.problem?.detail ?? 'the publish did not end',
      );
    },
    close: async () => {},
  };
}
