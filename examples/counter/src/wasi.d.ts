/** The interfaces of the world, as QuickJS shows them: a `result` is its value or an `Error` with `payload`, a 64-bit integer a number. */

declare module 'wasi:config/store@0.2.0-rc.1' {
  const config: { get(key: string): string | null | undefined };
  export default config;
}

declare module 'wasi:keyvalue/store@0.2.0-draft2' {
  export interface Bucket {
    get(key: string): Uint8Array | readonly number[] | null | undefined;
    set(key: string, value: Uint8Array): void;
    delete(key: string): void;
    exists(key: string): boolean;
    listKeys(cursor: string | null): { readonly keys: readonly string[]; readonly cursor: string | null | undefined };
  }
  const store: { open(name: string): Bucket };
  export default store;
}

declare module 'wasi:keyvalue/atomics@0.2.0-draft2' {
  import type { Bucket } from 'wasi:keyvalue/store@0.2.0-draft2';

  const atomics: { increment(bucket: Bucket, key: string, delta: number): number };
  export default atomics;
}
