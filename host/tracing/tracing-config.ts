/** What the standard `OTEL_*` variables say of spans. Pure: the environment comes from `host/config.ts`. */
import { CloudletError } from '../../guest-sdk/protocol/index.ts';

/** The samplers of the OpenTelemetry specification. */
export const SAMPLERS = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
] as const;
export type SamplerName = (typeof SAMPLERS)[number];

/** Where spans go and how. */
export interface TracingConfig {
  /** Takes OTLP over HTTP, as JSON. */
  readonly url: string;
  /** Headers of every request; they may hold a secret. */
  readonly headers: Readonly<Record<string, string>>;
  readonly gzip: boolean;
  /** How long one request may take, milliseconds. */
  readonly timeoutMs: number;
  readonly sampler: SamplerName;
  /** The part of traces that `…traceidratio` keeps. */
  readonly ratio: number;
  /** What is said of this host with every span, among it `service.name`. */
  readonly resource: Readonly<Record<string, string>>;
  /** Spans that may wait; more are dropped. */
  readonly queueSpans: number;
  /** Most spans in one request. */
  readonly batchSpans: number;
  /** How long spans wait for others, milliseconds. */
  readonly delayMs: number;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Reads the variables; null when no endpoint is set, or spans are switched off. `request-invalid` names the first that has a bad value. */
export function tracingConfig(environment: Environment): TracingConfig | null {
  const of = (name: string): string | undefined => environment[name]?.trim() || undefined;
  const traces = (name: string): readonly [name: string, value: string | undefined] => {
    const own = `OTEL_EXPORTER_OTLP_TRACES_${name}`;
    return of(own) === undefined ? [`OTEL_EXPORTER_OTLP_${name}`, of(`OTEL_EXPORTER_OTLP_${name}`)] : [own, of(own)];
  };
  if (of('OTEL_SDK_DISABLED')?.toLowerCase() === 'true' || of('OTEL_TRACES_EXPORTER') === 'none') return null;
  const url = endpoint(...traces('ENDPOINT'));
  if (url === null) return null;
  oneOf('OTEL_TRACES_EXPORTER', of('OTEL_TRACES_EXPORTER'), ['otlp'], 'otlp');
  // What is set for all programs of a computer is mostly the default of others, whose collectors take JSON at the same address.
  oneOf(...traces('PROTOCOL'), ['http/json', 'http/protobuf'], 'http/json');
  const sampler = oneOf('OTEL_TRACES_SAMPLER', of('OTEL_TRACES_SAMPLER'), SAMPLERS, 'parentbased_always_on');
  const number = (name: string, fallback: number): number => count(name, of(name), fallback);
  const queueSpans = number('OTEL_BSP_MAX_QUEUE_SIZE', 2048);
  return {
    url,
    headers: list(...traces('HEADERS')),
    gzip: oneOf(...traces('COMPRESSION'), ['none', 'gzip'], 'none') === 'gzip',
    timeoutMs: count(...traces('TIMEOUT'), 10_000),
    sampler,
    ratio: ratio('OTEL_TRACES_SAMPLER_ARG', of('OTEL_TRACES_SAMPLER_ARG'), sampler),
    resource: {
      'service.name': 'cloudlet',
      ...list('OTEL_RESOURCE_ATTRIBUTES', of('OTEL_RESOURCE_ATTRIBUTES')),
      ...(of('OTEL_SERVICE_NAME') === undefined ? {} : { 'service.name': of('OTEL_SERVICE_NAME')! }),
    },
    queueSpans,
    batchSpans: Math.min(queueSpans, number('OTEL_BSP_MAX_EXPORT_BATCH_SIZE', 512)),
    delayMs: number('OTEL_BSP_SCHEDULE_DELAY', 5000),
  };
}

/** The variable for all signals is where they begin, the one for traces is the whole address. */
function endpoint(name: string, text: string | undefined): string | null {
  if (text === undefined) return null;
  const url = URL.parse(text);
  const isUsable = url !== null && /^https?:$/.test(url.protocol) && url.username === '' && url.password === '';
  if (!isUsable)
    throw refused(name, 'an http or https address without user and password, such as http://localhost:4318');
  if (name === 'OTEL_EXPORTER_OTLP_ENDPOINT') url.pathname = `${url.pathname.replace(/\/$/, '')}/v1/traces`;
  return url.href;
}

/** `key=value,key=value`, percent-encoded where it must be. The values are not repeated in an error: headers are secret. */
function list(name: string, text: string | undefined): Record<string, string> {
  const found: Record<string, string> = {};
  for (const entry of (text ?? '').split(',')) {
    if (entry.trim() === '') continue;
    const at = entry.indexOf('=');
    const key = entry.slice(0, Math.max(0, at)).trim();
    const value = decoded(entry.slice(at + 1).trim());
    if (key === '' || value === null) throw refused(name, 'key=value pairs with commas between them, percent-encoded');
    found[key] = value;
  }
  return found;
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null; // The caller says what was expected.
  }
}

function oneOf<T extends string>(name: string, text: string | undefined, known: readonly T[], fallback: T): T {
  if (text === undefined) return fallback;
  const found = known.find((each) => each === text);
  if (found === undefined) throw refused(name, known.map((each) => `"${each}"`).join(' or '), text);
  return found;
}

function count(name: string, text: string | undefined, fallback: number): number {
  if (text === undefined) return fallback;
  if (!/^[1-9]\d{0,8}$/.test(text)) throw refused(name, 'a whole number above 0', text);
  return Number(text);
}

function ratio(name: string, text: string | undefined, sampler: SamplerName): number {
  if (text === undefined || !sampler.endsWith('traceidratio')) return 1;
  const value = /^[\d.]+$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= 0 && value <= 1)) throw refused(name, 'a number from 0 to 1', text);
  return value;
}

function refused(name: string, expected: string, got?: string): CloudletError {
  const found = got === undefined ? 'something else' : JSON.stringify(got.slice(0, 60));
  return new CloudletError(
    'request-invalid',
    `expected ${name} to be ${expected}, got ${found}; OTEL_SDK_DISABLED=true serves without spans`,
  );
}
