import {
  CloudletError,
  type Digest,
  type EntryManifest,
  type FunctionName,
  parseDigest,
  parseName,
} from '../guest-sdk/protocol/index.ts';
import { Catalogue, type EntryProvisioner, type ProvisionedEntry } from './catalogue/index.ts';
import type { ChangeFeed } from './change-feed.ts';
import type { Cloudlet } from './cloudlet.ts';
import type { DeploymentDesk } from './cloudlet-deployments.ts';
import type { CloudletParts } from './cloudlet-parts.ts';
import { askForEntry, endOfDeployment } from './provision/entry/entry-deployment.ts';
import { openServiceEntry } from './provision/entry/service-entry.ts';

type Publishing = Pick<Cloudlet, 'publish' | 'function'>;

/** The catalogue of a cloudlet: installing an entry publishes its function, or deploys its service with what the entry has. */
export function openCatalogue(
  { data, policy }: CloudletParts,
  feed: ChangeFeed,
  cloudlet: Publishing,
  deployments: DeploymentDesk,
): Catalogue {
  const provision: EntryProvisioner = async (manifest, { signal, ...entry }) => {
    if (manifest.kind === 'service') {
      const wish = await openServiceEntry(manifest, data.blobs);
      const vouched = { vouchedBy: entry.publisher ?? undefined };
      const fed = await ofEntry(manifest, entry.publisher, () =>
        askForEntry(deployments, wish, { requirements: [] }, signal, vouched),
      );
      return await endOfDeployment(deployments, fed, signal);
    }
    const name = await publishEntry(data, cloudlet, manifest, entry, signal);
    const { digest, doors } = await cloudlet.function(name);
    const address = doors.includes('http') ? `/f/${name}/` : `/v1/functions/${name}`;
    return { kind: 'function', name, address, digest: parseDigest(digest) };
  };
  return new Catalogue({ data, policy: policy.catalogue, provision, changed: () => feed.emit({ kind: 'store' }) });
}

/** Deployments that also know the store: who wishes an entry sends nothing, since the cloudlet has it. */
export function withStore(
  { data }: CloudletParts,
  cloudlet: Publishing,
  deployments: DeploymentDesk,
  catalogue: Pick<Catalogue, 'serverOf' | 'publisherOf' | 'provisionedAs'>,
  signal: AbortSignal,
): DeploymentDesk {
  const ask: DeploymentDesk['ask'] = async (request, user) => {
    if (!('store' in request.want)) return await deployments.ask(request, user);
    const manifest = catalogue.serverOf(request.want.store);
    if (manifest === null)
      throw new CloudletError(
        'requirements-unmet',
        `expected an entry with a server, "${request.want.store}" has none; install it instead`,
      );
    const { requirements, early, id } = request;
    if (manifest.kind === 'service') {
      const wish = await openServiceEntry(manifest, data.blobs);
      const vouchedBy = catalogue.publisherOf(manifest.name);
      const ask = () => askForEntry(deployments, wish, { requirements, early, id }, signal, { user, vouchedBy });
      return (await ofEntry(manifest, vouchedBy, ask)).asked;
    }
    const name = await catalogue.provisionedAs(manifest.name, (entry) =>
      publishEntry(data, cloudlet, manifest, entry, signal),
    );
    return await deployments.ask({ requirements, early, id, want: { function: name } }, user);
  };
  return {
    ask,
    publish: (name, body, options, user) => deployments.publish(name, body, options, user),
    coming: (id, signal, caller) => deployments.coming(id, signal, caller),
    list: () => deployments.list(),
    get: (id) => deployments.get(id),
    events: (id, after, until) => deployments.events(id, after, until),
    wanted: (id, most) => deployments.wanted(id, most),
    part: (id, digest, body, until) => deployments.part(id, digest, body, until),
    dictionaries: deployments.dictionaries,
    cancel: (id) => deployments.cancel(id),
  };
}

/** Publishes the function of an entry, unless that is done, and gives its name. */
async function publishEntry(
  { blobs }: CloudletParts['data'],
  cloudlet: Publishing,
  manifest: EntryManifest & { readonly kind: 'function' },
  { again, publisher }: ProvisionedEntry,
  signal: AbortSignal,
): Promise<FunctionName> {
  const name = parseName(manifest.function);
  const file = manifest.files?.find((each) => each.name === manifest.package);
  // A version that the owner went back to, or published since, is not replaced by the same revision again.
  if (file === undefined || (again && (await isPublished(cloudlet, name)))) return name;
  const { bytes } = await blobs.open(file.digest as Digest);
  const vouched = publisher === null ? {} : { vouchedBy: publisher };
  await ofEntry(manifest, publisher, () =>
    cloudlet.publish(name, bytes, { contentLength: file.bytes, ...vouched, signal }),
  );
  return name;
}

/** Does what an entry is for; where that is refused and nobody signed the entry, the sentence names it, too. */
async function ofEntry<T>(
  { name }: EntryManifest,
  publisher: string | null | undefined,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw typeof publisher === 'string' ? error : unsignedEntry(name, error);
  }
}

/** What is refused for want of a signature may have one in two places. */
function unsignedEntry(name: string, error: unknown): unknown {
  if (!(error instanceof CloudletError) || error.code !== 'signature-invalid') return error;
  return new CloudletError(
    'signature-invalid',
    `${error.message}; or sign the entry "${name}" that brings it: npx cloudlet store add … --key FILE`,
    { cause: error },
  );
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
