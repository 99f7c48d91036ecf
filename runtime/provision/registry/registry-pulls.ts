import {
  blobBytes,
  CloudletError,
  type Digest,
  type FoundPackage,
  type FunctionName,
  findPackage,
  MEDIA_TYPES,
  type Published,
  RegistryAccess,
  type RegistryReference,
  readManifest,
  signaturesIn,
  type Wait,
} from '../../../guest-sdk/protocol/index.ts';
import { abortError } from '../../store/index.ts';
import type { ReceivedPackage } from '../package/receive-package.ts';
import { type PublishOptions, type PublishParts, publishReceived } from '../publish.ts';
import { TranslatedAhead } from '../translated-ahead.ts';
import { PartialBlobs } from './partial-blobs.ts';
import {
  isPlainHttp,
  type RegistryRules,
  type RegistryWorld,
  registryFault,
  registryTransport,
} from './registry-transport.ts';

/** What a cloudlet pulls packages with. */
export interface RegistryPullsParts {
  readonly publish: PublishParts;
  /** Where what broke off is kept. */
  readonly directory: string;
  readonly rules: RegistryRules;
  readonly world?: RegistryWorld;
  readonly wait?: Wait;
}

/** How a package is pulled and published. */
export interface RegistryPullOptions extends Pick<PublishOptions, 'onProgress' | 'versionDigest'> {
  /** `user:password`, for the registry and the token service that it names. */
  readonly credentials?: string | undefined;
  readonly signal: AbortSignal;
}

/** Packages that a cloudlet fetches from registries by their references, and publishes. */
export class RegistryPulls {
  readonly #parts: RegistryPullsParts;
  readonly #partial: PartialBlobs;

  constructor(parts: RegistryPullsParts) {
    this.#parts = parts;
    const { data } = parts.publish;
    const mostBytes = 2 * this.#mostBytes;
    this.#partial = new PartialBlobs({ directory: parts.directory, blobs: data.blobs, mostBytes });
  }

  /** Why a registry is not asked, as a clause; null when it may be. */
  fault(reference: RegistryReference): string | null {
    return registryFault(reference, this.#parts.rules);
  }

  /**
   * Makes what a registry has under a reference the current version of a name, by the same checks as every publish. Every part is compared with its digest; parts
   * that are here are not fetched, and what breaks off is gone on with, by this or the next pull. Errors: those of the registry (`findPackage`) and of `publishReceived`.
   */
  async pull(name: FunctionName, reference: RegistryReference, options: RegistryPullOptions): Promise<Published> {
    const { publish, rules, world, wait } = this.#parts;
    const { credentials, signal, versionDigest, onProgress } = options;
    const transport = registryTransport(reference, rules, world);
    const insecure = isPlainHttp(reference, rules);
    const access = new RegistryAccess(
      reference,
      { transport, isTransportExplicit: true, credentials, insecure, signal, wait },
      'pull',
    );
    const over = publish.expect?.() ?? (() => undefined);
    let received: ReceivedPackage | undefined;
    try {
      const found = await findPackage(access, reference, this.#mostBytes);
      if (versionDigest !== undefined && versionDigest !== found.digest)
        throw new CloudletError(
          'body-truncated',
          `expected a package with digest ${versionDigest} in the registry, got ${found.digest}`,
        );
      received = await this.#receive(access, found, options);
      const published = await publishReceived(publish, name, received, { signal, ...(onProgress && { onProgress }) });
      await this.#partial.forget(received.blobs);
      return published;
    } catch (error) {
      received?.release();
      for (const gone of await publish.data.collectGarbage()) await publish.compiler.forget(gone);
      throw signal.aborted ? abortError(signal) : error;
    } finally {
      over();
      received?.release();
    }
  }

  async #receive(
    access: RegistryAccess,
    found: FoundPackage,
    { onProgress, signal }: RegistryPullOptions,
  ): Promise<ReceivedPackage> {
    const { publish } = this.#parts;
    const { blobs } = publish.data;
    const { digest, manifest, totalBytes } = found;
    const ahead = new TranslatedAhead(publish, signal);
    const holds: (() => void)[] = [];
    try {
      // Small, and what a refusal of the publisher is about: before anything large.
      const signatures = await signaturesIn(access, found);
      await this.#partial.sweep();
      const here = new Set<Digest>();
      let before = 0;
      for (const { mediaType, digest: part, size } of codeFirst(found)) {
        const onBytes = (done: number) =>
          onProgress?.({ stage: 'receiving', bytesDone: before + done, bytesTotal: totalBytes, digest });
        if (publish.data.registry.inUse(part) && blobs.size(part) === size) {
          holds.push(blobs.hold(part));
          onBytes(size);
        } else {
          const from = (start: number) => blobBytes(access, { digest: part, size }, start);
          holds.push((await this.#partial.complete({ digest: part, size, from, onBytes }, signal)).release);
        }
        here.add(part);
        before += size;
        if (mediaType === MEDIA_TYPES.component) ahead.begin(part);
      }
      const written = await blobs.write(once(manifest), { limitBytes: manifest.length, signal });
      holds.push(written.release);
      here.add(digest);
      const source = {
        sizeOf: (each: Digest) => (here.has(each) ? blobs.size(each) : undefined),
        read: (each: Digest) => blobs.read(each),
      };
      const named = { mediaType: MEDIA_TYPES.manifest, digest, size: manifest.length };
      const read = await readManifest(named, source, this.#limits);
      const { sizeBytes, component, grant, layers } = read;
      const release = () => {
        for (const each of holds.splice(0)) each();
      };
      return { digest, sizeBytes, blobs: read.blobs, stored: { component, grant, layers }, signatures, release };
    } catch (error) {
      await ahead.giveUp();
      for (const release of holds) release();
      throw error;
    }
  }

  get #limits() {
    const { limitBytes, packageBytes = limitBytes } = this.#parts.publish;
    return { componentBytes: limitBytes, packageBytes };
  }

  get #mostBytes(): number {
    return this.#limits.componentBytes + this.#limits.packageBytes;
  }
}

/** Its parts, the component first: it is translated while the rest still comes. */
function codeFirst({ parts }: FoundPackage): FoundPackage['parts'] {
  const isCode = ({ mediaType }: { readonly mediaType: string }) => mediaType === MEDIA_TYPES.component;
  return [...parts.filter(isCode), ...parts.filter((each) => !isCode(each))];
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
