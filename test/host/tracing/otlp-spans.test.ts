import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as v from 'valibot';
import { countSpans, invocationSpans } from '../../../host/tracing/otlp-spans.ts';
import type { InvokedEvent } from '../../../runtime/index.ts';
import { traceOf } from '../../../runtime/invocation/trace.ts';
import { attributesOf, type CollectedSpan, TraceRequest } from '../../support/otlp-collector.ts';
import { invoked, parent } from '../invoked-event.ts';

const spans = suite('spans of invocations');

/** The spans of an event, after a reader that takes the protocol's shape and nothing else. */
function read(event: InvokedEvent): CollectedSpan[] {
  const made = invocationSpans(event);
  assert.is(made.length, countSpans(event));
  const scope = { name: 'cloudlet', version: '1' };
  const request = { resourceSpans: [{ resource: { attributes: [] }, scopeSpans: [{ scope, spans: made }] }] };
  return v.parse(TraceRequest, JSON.parse(JSON.stringify(request))).resourceSpans[0]!.scopeSpans[0]!.spans;
}

spans('an invocation is a span with what it waited for and its run as children', () => {
  const [whole, ...children] = read(invoked);
  assert.equal(attributesOf(whole!), {
    'faas.name': 'hello',
    'faas.version': '2',
    'faas.invocation_id': invoked.id,
    'faas.trigger': 'http',
    'cloudlet.door': 'http',
    'cloudlet.start': 'boot',
    'faas.coldstart': true,
    'http.request.method': 'GET',
    'http.route': '/f/hello',
    'http.response.status_code': '200',
  });
  assert.equal([whole!.name, whole!.kind, whole!.parentSpanId, whole!.flags], ['GET /f/hello', 2, undefined, 0x101]);
  assert.equal([whole!.traceId, whole!.spanId], [invoked.trace.traceId, invoked.trace.spanId]);
  const base = 1_800_000_000_000_000_000n;
  assert.equal(
    [whole!, ...children].map(({ name, startTimeUnixNano: from, endTimeUnixNano: to }) => [
      name,
      Number(BigInt(from) - base) / 1e6,
      Number(BigInt(to) - base) / 1e6,
    ]),
    [
      ['GET /f/hello', 0, 25],
      ['queue', 0, 2],
      ['start', 2, 12],
      ['run', 12, 24.5],
    ],
  );
  for (const child of children) {
    assert.equal([child.traceId, child.parentSpanId, child.kind], [whole!.traceId, whole!.spanId, 1]);
  }
  assert.is(new Set([whole!, ...children].map(({ spanId }) => spanId)).size, 4);
});

spans("a caller's trace is gone on with", () => {
  const [whole, queue] = read({ ...invoked, trace: traceOf(invoked.id, parent, () => true) });
  assert.equal([whole!.traceId, whole!.parentSpanId, whole!.traceState], [parent.traceId, parent.spanId, 'vendor=1']);
  assert.is(whole!.flags, 0x301, 'its parent is elsewhere');
  assert.is(queue!.traceId, parent.traceId);
});

for (const [outcome, status, code, isError] of [
  ['guest-trapped', undefined, '502', true],
  ['guest-trapped', 200, '200', true],
  ['at-capacity', undefined, '503', true],
  ['client-closed', undefined, '499', false],
  ['ok', 503, '503', false],
] as const) {
  spans(`${outcome} after ${status ?? 'no head'} is ${isError ? 'an' : 'no'} error, ${code}`, () => {
    const [whole] = read({ ...invoked, outcome, status, runMs: undefined });
    const attributes = attributesOf(whole!);
    assert.is(attributes['http.response.status_code'], code);
    assert.is(attributes['error.type'], outcome === 'ok' ? undefined : outcome);
    assert.is(whole!.status.code, isError ? 2 : undefined);
  });
}

spans('one that never had a sandbox has only waited', () => {
  const all = read({ ...invoked, outcome: 'at-capacity', status: undefined, place: undefined, runMs: undefined });
  assert.equal(
    all.map(({ name }) => name),
    ['GET /f/hello', 'queue'],
  );
});

for (const [event, name] of [
  [{ ...invoked, door: 'call', target: 'shapes.add', method: undefined }, 'call hello shapes.add'],
  [{ ...invoked, door: 'run', method: undefined }, 'run hello'],
  [{ ...invoked, method: 'BREW' }, 'HTTP /f/hello'],
] as const) {
  spans(`is named ${name}`, () => {
    assert.is(read(event)[0]!.name, name);
  });
}

spans('a method of a caller’s invention is no value of an attribute', () => {
  assert.is(attributesOf(read({ ...invoked, method: 'BREW' })[0]!)['http.request.method'], '_OTHER');
});

spans.run();
