/**
 * Stands for a collector of OpenTelemetry: takes OTLP over HTTP, refuses whatever has not the shape of the protocol's JSON, and keeps
 * the rest.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import * as v from 'valibot';

const hex = (digits: number) => v.pipe(v.string(), v.regex(new RegExp(`^(?!0+$)[0-9a-f]{${digits}}$`)));
/** 64-bit integers are texts in the JSON of protocol buffers. */
const fixed64 = v.pipe(v.string(), v.regex(/^\d{1,20}$/));
const AnyValue = v.union([
  v.strictObject({ stringValue: v.string() }),
  v.strictObject({ intValue: v.pipe(v.string(), v.regex(/^-?\d{1,19}$/)) }),
  v.strictObject({ boolValue: v.boolean() }),
  v.strictObject({ doubleValue: v.number() }),
]);
const Attributes = v.pipe(
  v.array(v.strictObject({ key: v.pipe(v.string(), v.nonEmpty()), value: AnyValue })),
  v.check((all) => new Set(all.map(({ key }) => key)).size === all.length, 'a key comes twice'),
);
const Span = v.pipe(
  v.strictObject({
    traceId: hex(32),
    spanId: hex(16),
    parentSpanId: v.optional(hex(16)),
    traceState: v.optional(v.string()),
    flags: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(0xffff_ffff)),
    name: v.pipe(v.string(), v.nonEmpty()),
    kind: v.picklist([1, 2, 3, 4, 5]),
    startTimeUnixNano: fixed64,
    endTimeUnixNano: fixed64,
    attributes: Attributes,
    status: v.strictObject({ code: v.optional(v.picklist([0, 1, 2])), message: v.optional(v.string()) }),
  }),
  v.check((span) => BigInt(span.startTimeUnixNano) <= BigInt(span.endTimeUnixNano), 'it ends before it began'),
);
const Scope = v.strictObject({ name: v.string(), version: v.string() });

/** `ExportTraceServiceRequest`, as far as we send it; what is not named here is refused. */
export const TraceRequest = v.strictObject({
  resourceSpans: v.array(
    v.strictObject({
      resource: v.strictObject({ attributes: Attributes }),
      scopeSpans: v.array(v.strictObject({ scope: Scope, spans: v.array(Span) })),
    }),
  ),
});
export type CollectedSpan = v.InferOutput<typeof Span>;

/** A collector that runs. */
export interface Collector {
  readonly url: string;
  readonly requests: { readonly path: string; readonly headers: IncomingMessage['headers'] }[];
  readonly spans: CollectedSpan[];
  /** Attributes of the resource of the last request. */
  readonly resource: Map<string, unknown>;
  /** What was wrong with requests; nothing, if all was right. */
  readonly faults: string[];
  close(): Promise<void>;
}

/** Starts a collector on a free port of loopback. */
export async function startCollector(): Promise<Collector> {
  const collected: Omit<Collector, 'url' | 'close'> = { requests: [], spans: [], resource: new Map(), faults: [] };
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const fault = take(collected, request, Buffer.concat(chunks));
    if (fault !== null) collected.faults.push(fault);
    response.writeHead(fault === null ? 200 : 400, { 'content-type': 'application/json' });
    response.end('{"partialSuccess":{}}');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    ...collected,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function take(
  { requests, spans, resource }: Omit<Collector, 'url' | 'close'>,
  { method, url, headers }: IncomingMessage,
  body: Buffer,
): string | null {
  requests.push({ path: url ?? '', headers });
  if (method !== 'POST' || url !== '/v1/traces') return `${method} ${url}`;
  if (headers['content-type'] !== 'application/json') return `a body of ${headers['content-type']}`;
  const plain = headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body;
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), TraceRequest), plain.toString());
  if (!parsed.success) return parsed.issues.map((issue) => `${v.getDotPath(issue)}: ${issue.message}`).join('; ');
  for (const one of parsed.output.resourceSpans) {
    for (const { key, value } of one.resource.attributes) resource.set(key, Object.values(value)[0]);
    for (const scope of one.scopeSpans) spans.push(...scope.spans);
  }
  return null;
}

/** A span's attributes, plain. */
export function attributesOf(span: CollectedSpan): Record<string, unknown> {
  return Object.fromEntries(span.attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
}
