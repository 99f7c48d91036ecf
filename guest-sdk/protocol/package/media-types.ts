/** Media types of the parts of a package: an OCI image layout whose manifest is a WebAssembly artifact. */
export const MEDIA_TYPES = {
  index: 'application/vnd.oci.image.index.v1+json',
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  config: 'application/vnd.wasm.config.v0+json',
  component: 'application/wasm',
  grant: 'application/vnd.cloudlet.grant.v1+json',
  files: 'application/vnd.oci.image.layer.v1.tar',
  filesGzip: 'application/vnd.oci.image.layer.v1.tar+gzip',
  filesZstd: 'application/vnd.oci.image.layer.v1.tar+zstd',
  /** The config of what has none: `{}`. */
  empty: 'application/vnd.oci.empty.v1+json',
  /** A publisher's signature, as a manifest that refers to the one it is of. */
  signature: 'application/vnd.cloudlet.signature.v1',
  /** Its only layer: a detached JWS. */
  jose: 'application/jose',
} as const;

/** What the body of a publish is called when it is a package: a tar of the layout. */
export const PACKAGE_TYPES = ['application/vnd.oci.image.layout.v1+tar', 'application/x-tar'] as const;

/** Annotations of a package's manifest and its layers: those of OCI, and our own. */
export const ANNOTATIONS = {
  title: 'org.opencontainers.image.title',
  /** Which of several manifests of a layout a tool means by a tag. */
  refName: 'org.opencontainers.image.ref.name',
  /** Digest of the sources that the component was built from. */
  source: 'dev.cloudlet.source',
  /** What built it, with versions. */
  tools: 'dev.cloudlet.tools',
  /** Of a layer of files: what is in it, and where. */
  files: 'dev.cloudlet.files',
  /** What it asks for, for people; the grant layer is what counts. */
  grant: 'dev.cloudlet.grant',
} as const;
