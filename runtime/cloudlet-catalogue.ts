import { CloudletError, type Digest, type FunctionName, parseDigest, parseName } from '../guest-sdk/protocol/index.ts';
import { Catalogue, type EntryProvisioner } from './catalogue/index.ts';
import type { ChangeFeed } from './change-feed.ts';
import type { Cloudlet } from './cloudlet.ts';
import type { CloudletParts } from './cloudlet-parts.ts';

/** The catalogue of a cloudlet: installing an entry publishes its function. */
export function openCatalogue(
  { data, policy }: CloudletParts,
  feed: ChangeFeed,
  cloudlet: Pick<Cloudlet, 'publish' | 'function'>,
): Catalogue {
  const provision: EntryProvisioner = async (manifest, { again, signal }) => {
    if (manifest.kind === 'service')
      throw new CloudletError(
        'requirements-unmet',
        `expected a cloudlet that makes services out of store entries for "${manifest.service}", got one that does not`,
      );
    const name = parseName(manifest.function);
    const file = manifest.files?.find((each) => each.name === manifest.package);
    // A version that the owner went back to, or published since, is not replaced by the same revision again.
    if (file !== undefined && !(again && (await isPublished(cloudlet, name)))) {
      const { bytes } = await data.blobs.open(file.digest as Digest);
      await cloudlet.publish(name, bytes, { contentLength: file.bytes, signal });
    }
    const { digest, doors } = await cloudlet.function(name);
    const address = doors.includes('http') ? `/f/${name}/` : `/v1/functions/${name}`;
    return { kind: 'function', name, address, digest: parseDigest(digest) };
  };
  return new Catalogue({ data, policy: policy.catalogue, provision, changed: () => feed.emit({ kind: 'store' }) });
}

async function isPublished(cloudlet: Pick<Cloudlet, 'function'>, name: FunctionName): Promise<boolean> {
  try {
    await cloudlet.function(name);
    return true;
  } catch (error) {
    if (error instanceof CloudletError && error.code === 'function-unknown') return false;
    throw error;
  }
}
