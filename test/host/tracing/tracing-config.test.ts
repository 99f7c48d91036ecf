import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CloudletError } from '../../../guest-sdk/protocol/index.ts';
import { clientConfig, hostConfig } from '../../../host/config.ts';
import { tracingConfig } from '../../../host/tracing/tracing-config.ts';

const config = suite('configuration of spans');

const COLLECTOR = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://localhost:4318' };

config('an endpoint is all that it takes', () => {
  assert.equal(tracingConfig(COLLECTOR), {
    url: 'http://localhost:4318/v1/traces',
    headers: {},
    gzip: false,
    timeoutMs: 10_000,
    sampler: 'parentbased_always_on',
    ratio: 1,
    resource: { 'service.name': 'cloudlet' },
    queueSpans: 2048,
    batchSpans: 512,
    delayMs: 5000,
  });
});

for (const [what, environment] of [
  ['nothing', {}],
  ['an empty endpoint', { OTEL_EXPORTER_OTLP_ENDPOINT: ' ' }],
  ['a name without an endpoint', { OTEL_SERVICE_NAME: 'x', OTEL_TRACES_SAMPLER: 'nonsense' }],
  ['an endpoint, and that it is off', { ...COLLECTOR, OTEL_SDK_DISABLED: 'TRUE' }],
  ['an endpoint, and no exporter of traces', { ...COLLECTOR, OTEL_TRACES_EXPORTER: 'none' }],
] as const) {
  config(`${what} means no spans`, () => {
    assert.is(tracingConfig(environment), null);
  });
}

for (const [endpoint, url] of [
  ['http://c:4318/', 'http://c:4318/v1/traces'],
  ['https://c/otlp', 'https://c/otlp/v1/traces'],
  ['https://c/otlp/?key=1', 'https://c/otlp/v1/traces?key=1'],
] as const) {
  config(`${endpoint} is where the paths of all signals begin, but for traces the whole address`, () => {
    assert.is(tracingConfig({ OTEL_EXPORTER_OTLP_ENDPOINT: endpoint })?.url, url);
    assert.is(tracingConfig({ ...COLLECTOR, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: endpoint })?.url, endpoint);
  });
}

config('what is said for traces goes before what is said for all', () => {
  const found = tracingConfig({
    ...COLLECTOR,
    OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20all',
    OTEL_EXPORTER_OTLP_TRACES_HEADERS: 'authorization=Bearer%20traces, x-tenant = a%2Cb ,',
    OTEL_EXPORTER_OTLP_TIMEOUT: '500',
    OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip',
    OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc',
    OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'http/json',
    OTEL_RESOURCE_ATTRIBUTES: 'service.name=of-attributes,deployment.environment.name=lab',
    OTEL_SERVICE_NAME: 'of-its-own',
    OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
    OTEL_TRACES_SAMPLER_ARG: '0.25',
    OTEL_BSP_MAX_QUEUE_SIZE: '100',
    OTEL_BSP_SCHEDULE_DELAY: '10',
  });
  assert.equal(found?.headers, { authorization: 'Bearer traces', 'x-tenant': 'a,b' });
  assert.equal(found?.resource, { 'service.name': 'of-its-own', 'deployment.environment.name': 'lab' });
  assert.equal(
    [found?.timeoutMs, found?.gzip, found?.sampler, found?.ratio],
    [500, true, 'parentbased_traceidratio', 0.25],
  );
  assert.equal([found?.queueSpans, found?.batchSpans, found?.delayMs], [100, 100, 10]);
});

for (const [name, value, sentence] of [
  ['OTEL_EXPORTER_OTLP_ENDPOINT', 'localhost:4318', /OTEL_EXPORTER_OTLP_ENDPOINT to be an http or https address/],
  ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'http://me:secret@c/', /without user and password.* got something else/],
  ['OTEL_EXPORTER_OTLP_PROTOCOL', 'grpc', /"http\/json" or "http\/protobuf", got "grpc"; OTEL_SDK_DISABLED=true/],
  ['OTEL_EXPORTER_OTLP_HEADERS', 'secret', /key=value pairs/],
  ['OTEL_EXPORTER_OTLP_HEADERS', 'k=%secret', /percent-encoded/],
  ['OTEL_EXPORTER_OTLP_TIMEOUT', '-5', /a whole number above 0, got "-5"/],
  ['OTEL_TRACES_SAMPLER', 'jaeger_remote', /"always_on" or .*, got "jaeger_remote"/],
  ['OTEL_TRACES_EXPORTER', 'zipkin', /"otlp", got "zipkin"/],
  ['OTEL_BSP_MAX_QUEUE_SIZE', '9999999999', /a whole number above 0/],
] as const) {
  config(`${name}=${value} is refused in one sentence, without secrets`, () => {
    const error = thrownBy(() => tracingConfig({ ...COLLECTOR, [name]: value }));
    assert.is(error.code, 'request-invalid');
    assert.match(error.message, sentence);
    assert.not.match(error.message, /secret/);
  });
}

config('a part that is none is refused only where it is asked for', () => {
  const bad = { ...COLLECTOR, OTEL_TRACES_SAMPLER_ARG: '1.5' };
  assert.is(tracingConfig(bad)?.ratio, 1);
  assert.match(thrownBy(() => tracingConfig({ ...bad, OTEL_TRACES_SAMPLER: 'traceidratio' })).message, /from 0 to 1/);
});

config('a host reads them; a command that only talks to one does not', () => {
  const around = { environment: { OTEL_EXPORTER_OTLP_ENDPOINT: 'nonsense' }, home: '/home/ada', isRoot: false };
  assert.throws(() => hostConfig({}, around));
  assert.is(clientConfig({}, around).url, 'http://localhost:8080');
  assert.is(hostConfig({}, { ...around, environment: COLLECTOR }).tracing?.url, 'http://localhost:4318/v1/traces');
});

function thrownBy(act: () => unknown): CloudletError {
  try {
    act();
  } catch (error) {
    if (error instanceof CloudletError) return error;
    throw error;
  }
  throw new Error('expected a refusal');
}

config.run();
