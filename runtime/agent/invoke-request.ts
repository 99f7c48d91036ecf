/** A way into the loaded component; `start` makes an instance and calls nothing of it. */
type DoorRequest =
  | { readonly door: 'start' }
  | { readonly door: 'call'; readonly target: string }
  | { readonly door: 'run'; readonly arguments: readonly string[] }
  | {
      readonly door: 'http';
      readonly method: string;
      readonly scheme: 'http' | 'https';
      readonly authority: string;
      /** Path with query, as the component shall see it. */
      readonly path: string;
      readonly headers: readonly (readonly [string, Uint8Array])[];
    };

/** What to run in the loaded component. */
export type InvokeRequest = DoorRequest & {
  /** Where the invocation stands in a trace, as the headers of W3C Trace Context carry it: for what the guest asks of others. */
  readonly traceparent?: string | undefined;
  readonly tracestate?: string | undefined;
};
