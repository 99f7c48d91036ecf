import {
  type DescribedVersion,
  describeExport,
  digestOf,
  emptyGrant,
  type Grant,
  parseGrant,
} from '../protocol/index.ts';
import type { OpenedPackage } from './read-package-file.ts';

/** What would be compared of a component if it were published: to be given to `compareVersions`, or to a client's `versions.diffWith`. */
export async function describeComponent(bytes: Uint8Array): Promise<DescribedVersion> {
  const digest = await digestOf(bytes);
  return { digest, sizeBytes: bytes.length, ...(await interfaceOf(bytes)), grant: emptyGrant(), files: [] };
}

/** The same of a package, with its files. Its grant is what a cloudlet with the usual policy gives. */
export async function describePackage({ written, component, grant, layers }: OpenedPackage): Promise<DescribedVersion> {
  const { effectiveGrant, filesInPackage, hostPolicy } = await import('../../runtime/index.ts');
  const open = async (digest: typeof component.digest) => ({ bytes: once(written.blobs.get(digest)!) });
  const granted: Grant = effectiveGrant(parseGrant(grant), hostPolicy()).grant;
  return {
    ...{ digest: written.digest, sizeBytes: written.sizeBytes },
    ...(await interfaceOf(written.blobs.get(component.digest)!)),
    ...{ grant: granted, files: await filesInPackage({ open }, layers) },
  };
}

async function interfaceOf(bytes: Uint8Array): Promise<Pick<DescribedVersion, 'doors' | 'exports' | 'imports'>> {
  const { inspectComponent } = await import('../../runtime/index.ts');
  const { doors, functions, imports } = inspectComponent(bytes);
  return { doors: [...doors], exports: functions.map(describeExport), imports: [...imports] };
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
