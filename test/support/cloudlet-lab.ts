/**
 * Whole cloudlets over real sandboxes, for tests.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type GrantRequest, parseName, writePackage } from '../../guest-sdk/protocol/index.ts';
import { Cloudlet, type CloudletOptions } from '../../runtime/index.ts';
import { guest } from './guest.ts';
import { lendArtifacts, takeArtifacts } from './kept-artifact.ts';

/** A cloudlet in folders of its own. */
export interface CloudletLab {
  readonly cloudlet: Cloudlet;
  readonly dataDir: string;
  /** Closes the cloudlet and opens another on the same folders. */
  reopen(options?: Partial<CloudletOptions>): Promise<Cloudlet>;
  /** Closes the cloudlet and removes the folders. */
  close(): Promise<void>;
}

/** Opens a cloudlet whose sandboxes are processes, one at most. It has what others like it have translated, unless `translatesAnew`. */
export async function openLab(
  options: Partial<CloudletOptions> = {},
  { translatesAnew = false } = {},
): Promise<CloudletLab> {
  const directory = await mkdtemp(join(tmpdir(), 'cloudlet-lab-'));
  const dataDir = join(directory, 'data');
  const artifacts = join(directory, 'cache', 'artifacts');
  if (!translatesAnew) await lendArtifacts(artifacts);
  const open = (more: Partial<CloudletOptions>): Promise<Cloudlet> =>
    Cloudlet.open({
      dataDir,
      cacheDir: join(directory, 'cache'),
      sandbox: 'process',
      accel: 'auto',
      ...options,
      ...more,
      limits: { machines: 1, ...options.limits, ...more.limits },
    });
  let cloudlet = await open({}).catch(async (error: unknown) => {
    await rm(directory, { recursive: true, force: true });
    throw error;
  });
  return {
    get cloudlet() {
      return cloudlet;
    },
    dataDir,
    async reopen(more = {}) {
      await cloudlet.close();
      cloudlet = await open(more);
      return cloudlet;
    },
    async close() {
      await cloudlet.close();
      if (!translatesAnew) await takeArtifacts(artifacts);
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** The bytes in chunks, as a socket would give them. */
export async function* bodyOf(bytes: Uint8Array | string, chunkBytes = 16_384): AsyncGenerator<Uint8Array> {
  const whole = typeof bytes === 'string' ? new TextEncoder().encode(bytes) : bytes;
  for (let at = 0; at < whole.length; at += chunkBytes) yield whole.subarray(at, at + chunkBytes);
}

/** The component of a test guest. */
export async function guestBytes(name: string): Promise<Uint8Array> {
  return readFile(await guest(name));
}

/** Publishes a test guest under its own name, or another; as a package when it asks for anything. */
export async function publishGuest(cloudlet: Cloudlet, guestName: string, name = guestName, grant?: GrantRequest) {
  const component = await guestBytes(guestName);
  if (grant === undefined) return cloudlet.publish(parseName(name), bodyOf(component));
  const { pieces } = await writePackage({ component, grant, files: [] });
  return cloudlet.publish(parseName(name), bodyOf(Buffer.concat(pieces)));
}
