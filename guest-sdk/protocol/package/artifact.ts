import type { Digest } from '../digest.ts';
import { jsonBlob, type KnownBlob } from './blob.ts';
import type { Annotations, Descriptor } from './manifest.ts';
import { MEDIA_TYPES } from './media-types.ts';

/** What a component is to tools that know nothing of cloudlets. */
export interface ComponentFacts {
  /** `wasip1` for a core module of WASI 0.1, else `wasip2`. */
  readonly os: 'wasip1' | 'wasip2';
  readonly exports: readonly string[];
  readonly imports: readonly string[];
}

/** The manifest and config of a WebAssembly artifact, as the OCI guide of CNCF's TAG Runtime says, with nothing of time or place in them. */
export async function artifactOf(
  layers: readonly Descriptor[],
  facts: ComponentFacts | undefined,
  annotations: Annotations,
): Promise<{ readonly manifest: KnownBlob; readonly config: KnownBlob }> {
  const config = await jsonBlob({
    created: '1970-01-01T00:00:00Z',
    architecture: 'wasm',
    os: facts?.os ?? 'wasip2',
    layerDigests: layers.map(({ digest }): Digest => digest),
    ...(facts === undefined || facts.os === 'wasip1'
      ? {}
      : { component: { exports: facts.exports, imports: facts.imports } }),
  });
  const said = Object.entries(annotations).sort(([a], [b]) => (a < b ? -1 : 1));
  const manifest = await jsonBlob({
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.manifest,
    config: { mediaType: MEDIA_TYPES.config, digest: config.digest, size: config.bytes.length },
    layers,
    ...(said.length === 0 ? {} : { annotations: Object.fromEntries(said) }),
  });
  return { manifest, config };
}
