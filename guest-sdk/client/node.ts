/** The client's door for Node: what has no place in a browser. Public name `cloudlet/client/node`. */
export { type DiscoverOptions, discover, type FoundCloudlet } from './mdns.ts';
export { zstdCompression } from './zstd-compression.ts';
