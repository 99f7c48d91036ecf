import {
  type Digest,
  type FunctionName,
  type GrantRequest,
  type Published,
  parseGrant,
} from '../../guest-sdk/protocol/index.ts';
import { engineImports, inspectComponent } from '../component/index.ts';
import { effectiveGrant, hostPolicy } from '../grant/index.ts';
import { abortError } from '../store/index.ts';
import type { Arrival } from './arrival/arrival.ts';
import { checkImports, grantWarnings } from './check-imports.ts';
import { describeManifest, formatDescription } from './function-description.ts';
import { checkFunctionPublisher } from './function-publisher.ts';
import { checkScratchFits, grantedDirectories, type PackageFiles, readPackageFiles } from './package/package-files.ts';
import type { ReceivedPackage } from './package/receive-package.ts';
import { formatPackage } from './package/stored-package.ts';
import type { PublishOptions, PublishParts, PublishProgress } from './publish.ts';
import { checkReplayed } from './replayed-version.ts';

/** What was received: a component, or a package with one. */
export interface Received {
  /** The version's: of the component, or of the package's manifest. */
  readonly digest: Digest;
  readonly sizeBytes: number;
  readonly component: Digest;
  readonly packed: ReceivedPackage | null;
  release(): void;
}

/** A version that serves while its files are on their way. */
export interface EarlyVersion {
  readonly arrival: Pick<Arrival, 'files'>;
  /** It has this number; called in the turn in which it is written. */
  readonly written: (version: number) => void;
}

/**
 * Makes what was received the current version of a name, after all that is checked of it. Of an `early` one its files are still on their way: the version
 * serves, and is taken back unless all come.
 */
export async function registerVersion(
  { data, compiler, policy, tryOut }: PublishParts,
  name: FunctionName,
  { digest, sizeBytes, component, packed }: Received,
  { tag, vouchedBy, whenLoaded = false, onProgress, signal }: PublishOptions,
  early?: EarlyVersion,
): Promise<Published> {
  const report = (stage: PublishProgress['stage']): void => {
    if (signal?.aborted === true) throw abortError(signal);
    onProgress?.({ stage, bytesDone: sizeBytes, bytesTotal: sizeBytes, digest });
  };
  const published = (version: number, created: boolean): Published => ({
    name,
    version,
    digest,
    sizeBytes,
    address: `/v1/functions/${name}`,
    created,
  });
  const { publishers } = data.registry;
  const rules = policy ?? hostPolicy();
  const signatures = packed?.signatures ?? [];
  const signers = [
    ...signatures.map(({ fingerprint }) => fingerprint),
    ...(vouchedBy === undefined ? [] : [vouchedBy]),
  ];
  // What was signed once is signed by whatever way it comes again, unless somebody else says that it is his.
  const signed = signers.length > 0 ? signers : publishers.signers(digest);
  // Asked again in the turn in which the version is written: somebody else may have had the name meanwhile.
  const pinOf = () => {
    const pinned = publishers.pinned(name);
    const pin = checkFunctionPublisher({ name, policy: rules.functions.publishers, signed, pinned });
    checkReplayed(data.registry, { name, digest, pinned });
    return pin;
  };
  const marks = () => {
    const pin = pinOf();
    const isNew = pin !== null && pin !== publishers.pinned(name);
    return {
      signatures,
      ...(vouchedBy === undefined ? {} : { vouchedBy }),
      ...(isNew ? { pin } : {}),
      ...(tag === undefined ? {} : { tag }),
    };
  };
  pinOf();
  const existing = data.registry.find(name);
  const current = existing?.versions.find(({ version }) => version === existing.current);
  if (current?.digest === digest) {
    data.registry.publish(name, { digest, sizeBytes, description: current.description, ...marks() });
    return published(current.version, false);
  }
  report('inspecting');
  const request: GrantRequest = packed?.stored.grant ?? {};
  const asked = parseGrant(request);
  const effective = effectiveGrant(asked, rules);
  const brought = await checkedImports();
  if (packed !== null) {
    const { layers } = packed.stored;
    const files: PackageFiles<{ readonly length: number }> =
      early?.arrival.files ?? (await packed.layers?.files(layers)) ?? (await readPackageFiles(data.blobs, layers));
    grantedDirectories(asked, files);
    checkScratchFits(effective.grant, files);
  }
  report('transpiling');
  // Read again when its turn comes: whoever waits for the translations before must not hold a component in memory.
  const { manifest } = await compiler.compile(() => data.blobs.read(component), component, signal);
  report('registering');
  const description = formatDescription(describeManifest(manifest));
  const made = () => ({
    ...{ digest, sizeBytes, description },
    ...(packed === null ? {} : { package: { text: formatPackage(packed.stored), blobs: packed.blobs } }),
    ...(early === undefined ? {} : { arrives: true }),
    ...marks(),
  });
  const trial = whenLoaded ? tryOut : undefined;
  const { version, created } = data.registry.publish(name, { ...made(), onTrial: trial !== undefined });
  if (created) early?.written(version);
  if (created) await trial?.(name, version, () => data.registry.promote(name, version, made()), signal);
  const warnings = grantWarnings(manifest.imports, asked, effective, brought);
  return { ...published(version, created), ...(warnings.length === 0 ? {} : { warnings }) };

  /** Refuses what its grant does not name; gives what its engine brings, which nobody could say anything of when it comes alone. */
  async function checkedImports(): Promise<readonly string[]> {
    const bytes = await data.blobs.read(component);
    const { imports } = inspectComponent(bytes);
    const ofEngine = packed === null ? engineImports(bytes, imports) : [];
    checkImports(imports, request, effective.grant, ofEngine);
    return ofEngine;
  }
}
