import type { Digest, FunctionName, Published } from '../../guest-sdk/protocol/index.ts';
import { type ComponentCompiler, inspectComponent } from '../component/index.ts';
import { abortError, type DataDir, type WrittenBlob } from '../store/index.ts';
import { describeManifest, formatDescription } from './function-description.ts';

/** Where a publish is. */
export interface PublishProgress {
  readonly stage: 'receiving' | 'inspecting' | 'transpiling' | 'registering';
  readonly bytesDone: number;
  readonly bytesTotal: number | null;
}

/** How a body is published. */
export interface PublishOptions {
  /** What the sender says it will send; another length is `body-truncated`. */
  readonly contentLength?: number;
  /** What the sender says the body is; another digest is `body-truncated`. */
  readonly digest?: Digest;
  readonly onProgress?: (progress: PublishProgress) => void;
  readonly signal?: AbortSignal;
}

/** What a publish works on. */
export interface PublishParts {
  readonly data: DataDir;
  readonly compiler: ComponentCompiler;
  /** Longest component, bytes. */
  readonly limitBytes: number;
}

/**
 * The publish walk: body → blob → inspect → artifact → version. The digest of the current version again does nothing.
 * Whatever fails, or when `signal` fires, before the version is written: then there is neither a version nor a blob of it.
 */
export async function publishComponent(
  parts: PublishParts,
  name: FunctionName,
  body: AsyncIterable<Uint8Array>,
  options: PublishOptions = {},
): Promise<Published> {
  const { contentLength, digest, onProgress, signal } = options;
  const bytesTotal = contentLength ?? null;
  onProgress?.({ stage: 'receiving', bytesDone: 0, bytesTotal });
  const blob = await parts.data.blobs.write(body, {
    limitBytes: parts.limitBytes,
    expectedBytes: contentLength,
    expectedDigest: digest,
    onBytes: (bytesDone) => onProgress?.({ stage: 'receiving', bytesDone, bytesTotal }),
    signal,
  });
  try {
    return await register(parts, name, blob, options);
  } catch (error) {
    blob.release();
    await parts.data.collectGarbage();
    throw error;
  } finally {
    blob.release();
  }
}

async function register(
  { data, compiler }: PublishParts,
  name: FunctionName,
  { digest, sizeBytes }: WrittenBlob,
  { onProgress, signal }: PublishOptions,
): Promise<Published> {
  const report = (stage: PublishProgress['stage']): void => {
    if (signal?.aborted === true) throw abortError(signal);
    onProgress?.({ stage, bytesDone: sizeBytes, bytesTotal: sizeBytes });
  };
  const published = (version: number, created: boolean): Published => ({
    name,
    version,
    digest,
    sizeBytes,
    address: `/v1/functions/${name}`,
    created,
  });
  const existing = data.registry.find(name);
  const current = existing?.versions.find(({ version }) => version === existing.current);
  if (current?.digest === digest) return published(current.version, false);
  report('inspecting');
  inspectComponent(await data.blobs.read(digest));
  report('transpiling');
  // Read again when its turn comes: whoever waits for the translations before must not hold a component in memory.
  const { manifest } = await compiler.compile(() => data.blobs.read(digest), digest, signal);
  report('registering');
  const description = formatDescription(describeManifest(manifest));
  const { version, created } = data.registry.publish(name, { digest, sizeBytes, description });
  return published(version, created);
}
