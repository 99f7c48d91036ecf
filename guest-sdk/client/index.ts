/** The library on the device. Runs in browsers, on phones and in Node; what needs Node has a door of its own (`mdns.ts`). */
export { type ClientOptions, type CloudletClient, createClient, type PublishOptions } from './client.ts';
export { fetchTransport } from './fetch-transport.ts';
export type { Answer, InvokeOptions } from './invocation.ts';
export {
  type BodySource,
  readWhole,
  type Transport,
  type TransportRequest,
  type TransportResponse,
} from './transport.ts';
export { type Result, type TypedExport, typedFunction } from './typed-function.ts';
