/** The virtual operating system of a function: WASI 0.2 over backends that its caller gives. Runs in Node and in browsers. */
export {
  type ByteSink,
  type ByteSource,
  DEFAULT_LIMITS,
  type LogLevel,
  StreamFailure,
  type WasiBackend,
  type WasiClock,
  type WasiLimits,
} from './backend.ts';
export {
  BLOB_NAME_BYTES,
  type BlobBackend,
  type BlobDownload,
  type BlobUpload,
  type ContainerFacts,
  DELETE_OBJECTS,
  type NamePage,
  type ObjectFacts,
  type ObjectPlace,
} from './blobstore/blob-backend.ts';
export { discardSink, emptySource, type MemorySink, memorySink, memorySource } from './byte-stream.ts';
export { fileImage, type ImageDirectory, type ImageFile, type ImageNode } from './filesystem/file-image.ts';
export { FileTree } from './filesystem/file-tree.ts';
export { type GrantedDirectory, type GrantedFile, GrantedFiles } from './filesystem/granted-files.ts';
export type { FileTreeOptions, GivenDirectory } from './filesystem/tree-options.ts';
export { GuestExit, GuestTrap } from './guest-end.ts';
export type { BodyEnd } from './http/body-pipe.ts';
export {
  type HttpClient,
  type HttpClientCall,
  type HttpClientRequest,
  type HttpClientResponse,
  HttpFailure,
  httpErrorCodeOf,
} from './http/client.ts';
export {
  BODY_HTTP_ERRORS,
  type HttpErrorCode,
  PLAIN_HTTP_ERRORS,
  SECTION_HTTP_ERRORS,
} from './http/error-code.ts';
export type { HttpEnd, HttpExchange, HttpHead } from './http/exchange.ts';
export type { FieldEntry } from './http/field.ts';
export type { IncomingHttp } from './http/incoming-request.ts';
export { PROVIDED_INTERFACES, providesInterface, SUSPENDING_IMPORTS } from './interfaces.ts';
export {
  BATCH_BYTES,
  BATCH_KEYS,
  BUCKET_NAME_BYTES,
  KEY_BYTES,
  type KeyAndValue,
  type KeyPage,
  type KeyValueBackend,
  VALUE_BYTES,
} from './keyvalue/key-value-backend.ts';
export { PROVIDED_INTERFACES_3, SUSPENDING_IMPORTS_3 } from './p3/interfaces.ts';
export { p3Interfaces } from './p3/p3.ts';
export { instantiatePreview1, PREVIEW1, PREVIEW1_FUNCTIONS, type Preview1Command } from './preview1/preview1.ts';
export type { SystemCalls } from './preview1/system-calls.ts';
export {
  type Datagram,
  type NetworkBackend,
  type Pending,
  type SocketAddress,
  type SocketErrorCode,
  SocketFailure,
  type TcpBinding,
  type TcpConnection,
  type UdpPort,
} from './sockets/network-backend.ts';
export { StoreFailure, type StoreFailureCode } from './store-failure.ts';
export { systemClock, webRandom } from './system.ts';
export type { FileUse, UseObserver } from './use-observer.ts';
export { createWasi, RenewableWasi, type Wasi } from './wasi.ts';
