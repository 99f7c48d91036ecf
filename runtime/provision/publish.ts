import {
  CloudletError,
  type Digest,
  type FunctionName,
  type Published,
  TAR_BLOCK_BYTES,
} from '../../guest-sdk/protocol/index.ts';
import type { ComponentCompiler } from '../component/index.ts';
import type { HostPolicy } from '../grant/index.ts';
import { type DataDir, untilAborted } from '../store/index.ts';
import type { Arrivals } from './arrival/arrivals.ts';
import { EarlyPublish, type EarlyStart } from './arrival/early-publish.ts';
import type { ComingChunks } from './coming-chunks.ts';
import { ByteFeed } from './package/byte-feed.ts';
import { type ReceivedPackage, receivePackage } from './package/receive-package.ts';
import { parsePackage } from './package/stored-package.ts';
import { type Received, registerVersion } from './register-version.ts';
import { TranslatedAhead } from './translated-ahead.ts';
import { isTar, isWebAssembly, tooLarge, WatchedBody } from './watched-body.ts';

/** Where a publish is. */
export interface PublishProgress {
  readonly stage: 'receiving' | 'inspecting' | 'transpiling' | 'registering';
  readonly bytesDone: number;
  readonly bytesTotal: number | null;
  /** The version's, as soon as it is known. */
  readonly digest?: Digest;
}

/** How a body, a component or a package, is published. */
export interface PublishOptions {
  /** What the sender says it will send; another length is `body-truncated`. */
  readonly contentLength?: number;
  /** What the sender says the body is; another digest is `body-truncated`. */
  readonly digest?: Digest;
  /** The digest that the version must have: the component's, or that of the package's manifest. Another one is `body-truncated`. */
  readonly versionDigest?: Digest;
  /** The key that signed the store entry that it comes with: counts as a signature of it. */
  readonly vouchedBy?: string;
  /** What the publisher calls the version, beside its number. */
  readonly tag?: string;
  /** Calls go to the version before until this one is loaded. When that fails, so does the publish, with `component-refused`, and has changed nothing. */
  readonly whenLoaded?: boolean;
  /** A package may serve before all of it is here: how what is still on its way is read, and who is told. */
  readonly early?: EarlyStart;
  /** Hears each blob on its way to the store. */
  readonly chunks?: ComingChunks;
  readonly onProgress?: (progress: PublishProgress) => void;
  readonly signal?: AbortSignal;
}

/** What a publish works on. */
export interface PublishParts {
  readonly data: DataDir;
  readonly compiler: ComponentCompiler;
  /** Longest component, bytes. */
  readonly limitBytes: number;
  /** Largest package, bytes; that of a component when left out. */
  readonly packageBytes?: number;
  /** What the host lets functions have; its own defaults when left out. */
  readonly policy?: HostPolicy;
  /** Told that a version is on its way, and then that it is not any more. */
  readonly expect?: (() => () => void) | undefined;
  /** Loads a version before calls go to it, then promotes it; when it rejects the version is gone. */
  readonly tryOut?: (name: FunctionName, version: number, promote: () => void, signal?: AbortSignal) => Promise<void>;
  /** Which versions serve while their files are on their way; none may when left out. */
  readonly arrivals?: Arrivals;
}

/**
 * The publish walk: body → blobs → inspect → check against the grant → artifact → version. The digest of the current version again does
 * nothing. Whatever fails, or when `signal` fires, before the version is written: then there is neither a version nor a blob of it.
 */
export async function publishComponent(
  parts: PublishParts,
  name: FunctionName,
  body: AsyncIterable<Uint8Array>,
  options: PublishOptions = {},
): Promise<Published> {
  let received: Received | undefined;
  let over: () => void = () => undefined;
  const early = options.early === undefined ? null : new EarlyPublish(parts, name, options, options.early);
  try {
    const begins = () => {
      over = parts.expect?.() ?? over;
    };
    received = await receive(parts, body, options, begins, early);
    checkVersion(received.digest, options.versionDigest);
    return (await early?.complete(received)) ?? (await registerVersion(parts, name, received, options));
  } catch (error) {
    await early?.withdraw(error);
    received?.release();
    for (const gone of await parts.data.collectGarbage()) await parts.compiler.forget(gone);
    throw error;
  } finally {
    over();
    received?.release();
  }
}

/** Makes a package whose parts are in the store the current version of `name`; errors, and what is left after them, as `publishComponent`. */
export async function publishReceived(
  parts: PublishParts,
  name: FunctionName,
  packed: ReceivedPackage,
  options: Pick<PublishOptions, 'tag' | 'onProgress' | 'signal'> = {},
): Promise<Published> {
  const { digest, sizeBytes, stored, release } = packed;
  return await registerVersion(
    parts,
    name,
    { digest, sizeBytes, component: stored.component.digest, packed, release },
    options,
  );
}

/**
 * Makes what is here already, as a version of any function, the current version of `name`: no byte is sent. `storage-corrupt` when it is
 * not what it was, `not-found` when it is gone by now.
 */
export async function publishStored(
  parts: PublishParts,
  name: FunctionName,
  digest: Digest,
  options: Pick<PublishOptions, 'onProgress' | 'signal'> = {},
): Promise<Published> {
  const version = parts.data.registry.versionBlobs.holder(digest);
  const stored = version?.package == null ? null : parsePackage(version.package);
  const isPackage = version?.digest === digest && stored !== null;
  const component = isPackage ? stored.component.digest : digest;
  if (version === undefined || (stored !== null && stored.component.digest !== component))
    throw new CloudletError('not-found', `expected a component or package with digest ${digest}, found none`);
  // Whoever removes the function that has it must not take it from under this.
  const holds = [component, ...version.blobs].map((blob) => parts.data.blobs.hold(blob));
  const release = () => {
    for (const each of holds) each();
  };
  const { blobs, sizeBytes } = version;
  const signatures = parts.data.registry.publishers.signatures(digest);
  const packed = isPackage ? { digest, sizeBytes, stored, blobs, signatures, release } : null;
  const bytes = isPackage || stored === null ? sizeBytes : stored.component.sizeBytes;
  try {
    return await registerVersion(parts, name, { digest, sizeBytes: bytes, component, packed, release }, options);
  } finally {
    release();
    await parts.data.collectGarbage();
  }
}

function checkVersion(digest: Digest, wanted: Digest | undefined): void {
  if (wanted === undefined || wanted === digest) return;
  throw new CloudletError('body-truncated', `expected a component or package with digest ${wanted}, got ${digest}`);
}

async function receive(
  parts: PublishParts,
  body: AsyncIterable<Uint8Array>,
  { contentLength, digest, chunks, onProgress, signal }: PublishOptions,
  begins: () => void,
  early: EarlyPublish | null,
): Promise<Received> {
  const bytesTotal = contentLength ?? null;
  onProgress?.({ stage: 'receiving', bytesDone: 0, bytesTotal });
  const limits = { componentBytes: parts.limitBytes, packageBytes: parts.packageBytes ?? parts.limitBytes };
  const largest = Math.max(limits.componentBytes, limits.packageBytes);
  if (contentLength !== undefined && contentLength > largest) throw tooLarge(largest, contentLength);
  const watched = new WatchedBody(untilAborted(body, signal), largest, (bytesDone) =>
    onProgress?.({ stage: 'receiving', bytesDone, bytesTotal }),
  );
  const feed = new ByteFeed(watched);
  const sizes = { expectedBytes: contentLength, expectedDigest: digest, signal };
  const first = await feed.peek(TAR_BLOCK_BYTES);
  if (isTar(first) || isWebAssembly(first)) begins();
  if (!isTar(first)) {
    const coming = contentLength === undefined ? undefined : chunks?.coming(contentLength);
    const bytes = coming?.through(feed.rest()) ?? feed.rest();
    const blob = await parts.data.blobs.write(bytes, { limitBytes: limits.componentBytes, ...sizes });
    coming?.stored(blob.digest);
    return { ...blob, component: blob.digest, packed: null, release: blob.release };
  }
  const ahead = new TranslatedAhead(parts, signal);
  let packed: ReceivedPackage | undefined;
  try {
    const follower = { arrived: ahead.begin, described: early?.begin, chunks };
    packed = await receivePackage(feed, parts.data.blobs, limits, signal, follower);
    watched.check(contentLength, digest);
  } catch (error) {
    await ahead.giveUp();
    packed?.release();
    throw error;
  }
  const { sizeBytes, stored, release } = packed;
  return { digest: packed.digest, sizeBytes, component: stored.component.digest, packed, release };
}
