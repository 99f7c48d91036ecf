/** The library on the device. Runs in browsers, on phones and in Node; what needs Node has a door of its own (`mdns.ts`). */
export {
  isRegistryAddress,
  parseRegistryReference,
  type RegistryOptions,
  type RegistryReference,
} from '../protocol/index.ts';
export { type BenchOptions, type BenchResult, benchFunction } from './bench-function.ts';
export { type ClientOptions, type CloudletClient, createClient } from './client.ts';
export { type Compression, gzipCompression } from './compression.ts';
export { type Content, contentOf } from './deploy/content.ts';
export { type DeployNews, type DeployOptions, failureOf, type HeldDictionary } from './deploy/deploy.ts';
export { type CutOptions, cutIntoParts, type HeldParts } from './deploy/held-parts.ts';
export type { PushFunctionOptions } from './deploy/push-function.ts';
export { fetchTransport } from './fetch-transport.ts';
export { type FunctionUnderTest, functionUnderTest, UNDER_TEST, type UnderTest } from './function-under-test.ts';
export type { Answer, InvokeOptions } from './invocation.ts';
export { LatencyHistogram } from './latency-histogram.ts';
export type { LinkRate } from './link-rate.ts';
export type { PublishOptions } from './publish-function.ts';
export type { PublishersClient } from './publishers.ts';
export { type PulledPackage, type PullOptions, pullPackage } from './registry/pull-package.ts';
export { type PushedPackage, type PushOptions, pushPackage } from './registry/push-package.ts';
export type { UploadMemory } from './registry/upload-blob.ts';
export type { ServicesClient } from './services.ts';
export type { PutEntryOptions, StoreClient, StoreQuery } from './store.ts';
export {
  type BodySource,
  readWhole,
  type Transport,
  type TransportRequest,
  type TransportResponse,
} from './transport.ts';
export { type Result, type TypedExport, typedFunction } from './typed-function.ts';
export type { OpenedEntry, PublisherCheck } from './verified-entry.ts';
export type { VersionsClient } from './versions.ts';
