import { providesInterface3 } from './p3/interfaces.ts';

/** Imports that may return a promise and so must be bound as suspending (JSPI), in the names that jco's `asyncImports` wants. */
export const SUSPENDING_IMPORTS: readonly string[] = [
  'wasi:blobstore/blobstore#container-exists',
  'wasi:blobstore/blobstore#copy-object',
  'wasi:blobstore/blobstore#create-container',
  'wasi:blobstore/blobstore#delete-container',
  'wasi:blobstore/blobstore#get-container',
  'wasi:blobstore/blobstore#move-object',
  'wasi:blobstore/container#[method]container.clear',
  'wasi:blobstore/container#[method]container.delete-object',
  'wasi:blobstore/container#[method]container.delete-objects',
  'wasi:blobstore/container#[method]container.get-data',
  'wasi:blobstore/container#[method]container.has-object',
  'wasi:blobstore/container#[method]container.info',
  'wasi:blobstore/container#[method]container.list-objects',
  'wasi:blobstore/container#[method]container.object-info',
  'wasi:blobstore/container#[method]container.write-data',
  'wasi:blobstore/container#[method]stream-object-names.read-stream-object-names',
  'wasi:blobstore/container#[method]stream-object-names.skip-stream-object-names',
  'wasi:blobstore/types#[static]incoming-value.incoming-value-consume-sync',
  'wasi:blobstore/types#[static]outgoing-value.finish',
  'wasi:io/poll#poll',
  'wasi:io/poll#[method]pollable.block',
  'wasi:io/streams#[method]input-stream.blocking-read',
  'wasi:io/streams#[method]input-stream.blocking-skip',
  'wasi:io/streams#[method]output-stream.blocking-flush',
  'wasi:io/streams#[method]output-stream.blocking-splice',
  'wasi:io/streams#[method]output-stream.blocking-write-and-flush',
  'wasi:io/streams#[method]output-stream.blocking-write-zeroes-and-flush',
  'wasi:keyvalue/atomics#[method]cas.current',
  'wasi:keyvalue/atomics#[static]cas.new',
  'wasi:keyvalue/atomics#increment',
  'wasi:keyvalue/atomics#swap',
  'wasi:keyvalue/batch#delete-many',
  'wasi:keyvalue/batch#get-many',
  'wasi:keyvalue/batch#set-many',
  'wasi:keyvalue/store#[method]bucket.delete',
  'wasi:keyvalue/store#[method]bucket.exists',
  'wasi:keyvalue/store#[method]bucket.get',
  'wasi:keyvalue/store#[method]bucket.list-keys',
  'wasi:keyvalue/store#[method]bucket.set',
  'wasi:keyvalue/store#open',
];

/** Every interface of WASI 0.2 that `createWasi` provides, without version. */
export const PROVIDED_INTERFACES: readonly string[] = [
  'wasi:blobstore/blobstore',
  'wasi:blobstore/container',
  'wasi:blobstore/types',
  'wasi:cli/environment',
  'wasi:cli/exit',
  'wasi:cli/stderr',
  'wasi:cli/stdin',
  'wasi:cli/stdout',
  'wasi:cli/terminal-input',
  'wasi:cli/terminal-output',
  'wasi:cli/terminal-stderr',
  'wasi:cli/terminal-stdin',
  'wasi:cli/terminal-stdout',
  'wasi:clocks/monotonic-clock',
  'wasi:clocks/wall-clock',
  'wasi:config/store',
  'wasi:filesystem/preopens',
  'wasi:filesystem/types',
  'wasi:http/outgoing-handler',
  'wasi:http/types',
  'wasi:io/error',
  'wasi:io/poll',
  'wasi:io/streams',
  'wasi:keyvalue/atomics',
  'wasi:keyvalue/batch',
  'wasi:keyvalue/store',
  'wasi:logging/logging',
  'wasi:random/insecure',
  'wasi:random/insecure-seed',
  'wasi:random/random',
  'wasi:sockets/instance-network',
  'wasi:sockets/ip-name-lookup',
  'wasi:sockets/network',
  'wasi:sockets/tcp',
  'wasi:sockets/tcp-create-socket',
  'wasi:sockets/udp',
  'wasi:sockets/udp-create-socket',
];

/** Versions of the packages that are not part of WASI 0.2: drafts, of which components in use name these. */
const DRAFTS: Readonly<Record<string, readonly string[]>> = {
  'wasi:blobstore': ['0.2.0-draft'],
  'wasi:config': ['0.2.0-rc.1'],
  // The first one has numbers without sign, and no `cas`.
  'wasi:keyvalue': ['0.2.0-draft', '0.2.0-draft2'],
  'wasi:logging': ['0.1.0-draft'],
};

/** Newest patch of WASI 0.2 whose functions are all here. */
const NEWEST_PATCH = 12;
const PROVIDED: ReadonlySet<string> = new Set(PROVIDED_INTERFACES);

/** Whether a component may import an interface of this name: one of WASI 0.2.0 to 0.2.12, as in `wasi:io/streams@0.2.6`, one of 0.3.0, or of a known draft. */
export function providesInterface(name: string): boolean {
  if (providesInterface3(name)) return true;
  const match = /^(([^@/]+)\/[^@]+)@(.+)$/.exec(name);
  if (match === null || !PROVIDED.has(match[1]!)) return false;
  const [, , wasiPackage, version] = match as unknown as [string, string, string, string];
  const drafts = Object.hasOwn(DRAFTS, wasiPackage) ? DRAFTS[wasiPackage] : undefined;
  if (drafts !== undefined) return drafts.includes(version);
  const patch = /^0\.2\.(0|[1-9][0-9]?)$/.exec(version);
  return patch !== null && Number(patch[1]) <= NEWEST_PATCH;
}
