// end to end
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { createClient } from '../../../guest-sdk/client/index.ts';
import { type LogLine, type Problem, parseName, type RecentInvocation } from '../../../guest-sdk/protocol/index.ts';
import { hostConfig } from '../../../host/config.ts';
import { createJournal } from '../../../host/journal.ts';
import { type Serving, serve } from '../../../host/main.ts';
import { readOwnerToken } from '../../../host/trust/index.ts';
import { parseTraceParent } from '../../../runtime/index.ts';
import { parseExposition } from '../../support/exposition.ts';
import { guest } from '../../support/guest.ts';
import { attributesOf, type CollectedSpan, type Collector, startCollector } from '../../support/otlp-collector.ts';

interface World {
  folder: string;
  journal: string[];
  serving: Serving;
  token: string;
  collector: Collector;
}

/** A host, a caller who traces, and a collector: one story, in order. */
const tracing = suite<World>('a host that is observed');

tracing.before(async (context) => {
  context.folder = await mkdtemp(join(tmpdir(), 'cloudlet-observed-'));
  context.journal = [];
  context.collector = await startCollector();
  await start(context);
  context.token = (await readOwnerToken(join(context.folder, 'data')))!;
  for (const name of ['echo-http', 'cat', 'typed']) {
    const body = await readFile(await guest(name));
    const headers = { 'content-type': 'application/wasm' };
    assert.is((await ask(context, `/v1/functions/${name}`, { method: 'PUT', headers, body })).status, 201);
  }
});

tracing.after(async (context) => {
  await context.serving.close();
  await context.collector.close();
  await rm(context.folder, { recursive: true, force: true });
});

async function start(context: World, port = 0): Promise<void> {
  const { folder, collector } = context;
  const flags = { port, data: join(folder, 'data'), cache: join(folder, 'cache'), sandbox: 'process', memory: 3000 };
  const environment = {
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_EXPORTER_OTLP_HEADERS: 'x-tenant=lab',
    OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip',
    OTEL_SERVICE_NAME: 'observed',
  };
  context.serving = await serve(hostConfig(flags, { environment, home: folder, isRoot: false }), {
    journal: createJournal({ write: (line) => context.journal.push(line), readable: false }),
    say: () => {},
    terminal: false,
    handleSignals: false,
    advertise: false,
  });
}

async function ask(context: World, path: string, init: RequestInit = {}): Promise<Response> {
  const headers = { authorization: `Bearer ${context.token}`, ...(init.headers as Record<string, string>) };
  return await fetch(`${context.serving.url}${path}`, { ...init, headers });
}

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const CALLER = '00f067aa0ba902b7';

/** What an http function sees of the trace, and what its caller is told. */
async function traced(context: World, headers: Record<string, string>) {
  const response = await ask(context, '/f/echo-http/request', { headers });
  const seen = (await response.json()) as { headers: [string, string][] };
  const values = (name: string): string[] => seen.headers.filter(([each]) => each === name).map(([, value]) => value);
  return { response, answered: response.headers.get('traceparent')!, values };
}

tracing('a function is in the trace of its caller, with the invocation as its parent', async (context) => {
  const { response, answered, values } = await traced(context, {
    traceparent: `00-${TRACE}-${CALLER}-01`,
    tracestate: 'vendor=1, other=2',
  });
  const own = parseTraceParent(answered, undefined)!;
  assert.equal([own.traceId, own.sampled], [TRACE, true]);
  assert.is.not(own.spanId, CALLER);
  assert.equal(values('traceparent'), [answered]);
  assert.equal(values('tracestate'), ['vendor=1,other=2']);
  assert.match(response.headers.get('server-timing')!, /^queue;dur=.*, start;dur=/);
  const id = response.headers.get('cloudlet-invocation-id')!;
  assert.is(own.spanId, id.replaceAll('-', '').slice(16));
});

for (const [what, traceparent] of [
  ['no trace', null],
  ['a trace that is not valid', `00-${TRACE.toUpperCase()}-${CALLER}-01`],
  ['the future’s only version', `ff-${TRACE}-${CALLER}-01`],
] as const) {
  tracing(`${what} begins one, and drops its state`, async (context) => {
    const headers = { tracestate: 'vendor=1', ...(traceparent === null ? {} : { traceparent }) };
    const { answered, values, response } = await traced(context, headers);
    const own = parseTraceParent(answered, undefined)!;
    assert.is.not(own.traceId, TRACE);
    assert.is(own.traceId, response.headers.get('cloudlet-invocation-id')!.replaceAll('-', ''));
    assert.equal([values('traceparent'), values('tracestate')], [[answered], []]);
  });
}

tracing('a caller who keeps no trace makes the host keep none', async (context) => {
  const unkept = 'f'.repeat(32);
  const { answered } = await traced(context, { traceparent: `00-${unkept}-${CALLER}-00` });
  assert.match(answered, new RegExp(`^00-${unkept}-[0-9a-f]{16}-00$`));
});

tracing('an invocation has one id: in its answer, the list, the log and the journal', async (context) => {
  const response = await ask(context, '/v1/functions/cat/run?arg=stderr&arg=of%20this%20one', { method: 'POST' });
  await response.text();
  const id = response.headers.get('cloudlet-invocation-id')!;
  assert.match(id, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  const one = (await (await ask(context, `/v1/invocations/${id}`)).json()) as RecentInvocation;
  assert.equal([one.id, one.function, one.outcome], [id, 'cat', 'ok']);
  assert.is(one.trace, parseTraceParent(response.headers.get('traceparent')!, undefined)!.traceId);
  const line = (await logged(context, 'cat')).find(({ text }) => text.includes('of this one'))!;
  assert.equal([line.invocation, line.stream, line.version], [id, 'stderr', 1]);
  assert.ok(context.journal.some((text) => text.includes('"invoked"') && text.includes(id)));
});

tracing('a failure names its invocation, which can be asked for', async (context) => {
  const headers = { traceparent: `00-${TRACE}-${CALLER}-01` };
  const response = await ask(context, '/f/echo-http/throw', { headers });
  const problem = (await response.json()) as Problem;
  const id = response.headers.get('cloudlet-invocation-id');
  assert.equal([problem.code, problem.instance], ['guest-trapped', `/v1/invocations/${id}`]);
  assert.match(response.headers.get('traceparent')!, new RegExp(`^00-${TRACE}-`));
  const one = (await (await ask(context, problem.instance)).json()) as RecentInvocation;
  assert.equal([one.outcome, one.start === undefined], ['guest-trapped', false]);
  const refused = await ask(context, '/f/no-such-function/');
  assert.equal(
    [((await refused.json()) as Problem).instance, refused.headers.get('cloudlet-invocation-id')],
    ['/f/no-such-function/', null],
    'what never became one has no id',
  );
  assert.is((await ask(context, '/v1/invocations/none')).status, 404);
});

tracing('a typed call is traced, too', async (context) => {
  const headers = { 'content-type': 'application/json', traceparent: `00-${TRACE}-${CALLER}-01` };
  const response = await ask(context, '/v1/functions/typed/call/add', { method: 'POST', headers, body: '[40, 2]' });
  assert.is(await response.json(), 42);
  assert.match(response.headers.get('traceparent')!, new RegExp(`^00-${TRACE}-[0-9a-f]{16}-01$`));
});

tracing('its metrics are what Prometheus reads, and tell of this', async (context) => {
  const families = parseExposition(await (await ask(context, '/metrics')).text());
  const value = (name: string, labels: Record<string, string>): number | undefined =>
    families
      .get(name)
      ?.samples.find((one) => Object.entries(labels).every(([label, text]) => one.labels.get(label) === text))?.value;
  assert.is(value('cloudlet_invocations_total', { door: 'http', outcome: 'guest-trapped' }), 1);
  assert.is(value('cloudlet_function_invocations_total', { function: 'cat', outcome: 'ok' }), 1);
  assert.ok(families.get('cloudlet_invocation_run_seconds')!.samples.length > 0);
  assert.is(value('cloudlet_spans_dropped_total', {}), 0);
});

tracing('a log is followed over a restart, without a line lost or twice', async (context) => {
  const name = parseName('cat');
  const client = createClient({ url: context.serving.url, token: context.token });
  const write = async (text: string): Promise<void> => {
    const answer = await client.run(name, ['stderr', text], new Uint8Array());
    for await (const _ of answer.body);
  };
  await write('before the restart');
  const left = new AbortController();
  const seen: LogLine[] = [];
  const reached = new Map(['before', 'after'].map((when) => [when, Promise.withResolvers<void>()]));
  const following = (async () => {
    for await (const line of client.logs(name, { follow: true, signal: left.signal })) {
      seen.push(line);
      for (const [when, { resolve }] of reached) if (line.text.startsWith(when)) resolve();
    }
  })().catch((error: unknown) => {
    if (!left.signal.aborted) throw error;
  });
  await reached.get('before')!.promise;
  const { port } = context.serving;
  await context.serving.close();
  await start(context, port);
  await write('after the restart');
  await reached.get('after')!.promise;
  left.abort();
  await following;
  const texts = seen.map(({ text }) => text.trim()).filter((text) => /restart|this one/.test(text));
  assert.equal(texts, ['of this one', 'before the restart', 'after the restart']);
  assert.equal(
    seen.map(({ seq }) => seq),
    [...new Set(seen.map(({ seq }) => seq))].sort((a, b) => a - b),
  );
});

tracing('a log goes with its function', async (context) => {
  const logs = join(context.folder, 'data', 'logs');
  assert.ok((await readdir(logs)).includes('cat'));
  assert.is((await ask(context, '/v1/functions/cat', { method: 'DELETE' })).status, 204);
  assert.not.ok((await readdir(logs)).includes('cat'));
});

tracing('the collector has it all when the host has closed, in the shape of the protocol', async (context) => {
  await context.serving.close();
  const { spans, faults, resource, requests } = context.collector;
  assert.equal(faults, []);
  assert.ok(requests.every(({ headers }) => headers['x-tenant'] === 'lab'));
  assert.equal(
    [resource.get('service.name'), resource.get('service.instance.id')],
    ['observed', context.serving.cloudlet.id],
  );
  const ofCaller = spans.filter(({ parentSpanId }) => parentSpanId === CALLER);
  assert.equal(ofCaller.map(({ name, traceId }) => [name, traceId]).sort(), [
    ['GET /f/echo-http', TRACE],
    ['GET /f/echo-http', TRACE],
    ['call typed add', TRACE],
  ]);
  for (const span of ofCaller) {
    assert.equal(
      childrenOf(spans, span).map(({ name }) => name),
      ['queue', 'start', 'run'],
    );
  }
  const failed = ofCaller.find((span) => attributesOf(span)['error.type'] !== undefined)!;
  assert.equal([attributesOf(failed)['error.type'], failed.status.code], ['guest-trapped', 2]);
  assert.is(attributesOf(failed)['http.response.status_code'], '502');
  assert.not.ok(
    spans.some(({ traceId }) => traceId === 'f'.repeat(32)),
    'what was not kept is not sent',
  );
  const ran = spans.filter(({ name }) => name === 'run cat');
  assert.is(ran.length, 3);
  assert.not.match(JSON.stringify(spans), /of this one|echo-http\/request/, 'nothing of what went in or out');
});

function childrenOf(spans: readonly CollectedSpan[], span: CollectedSpan): CollectedSpan[] {
  return spans.filter(({ parentSpanId }) => parentSpanId === span.spanId);
}

async function logged(context: World, name: string): Promise<LogLine[]> {
  const events = await (await ask(context, `/v1/functions/${name}/logs?follow=false`)).text();
  return [...events.matchAll(/^data: (.*)$/gm)].map(([, data]) => JSON.parse(data!) as LogLine);
}

tracing.run();
