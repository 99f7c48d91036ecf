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
} as const;

/** What the body of a publish is called when it is a package: a tar of the layout. */
export const PACKAGE_TYPES = ['application/vnd.oci.image.layout.v1+tar', 'application/x-tar'] as const;
