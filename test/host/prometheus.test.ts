import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ERRORS, parseName } from '../../guest-sdk/protocol/index.ts';
import { createMetrics } from '../../host/metrics.ts';
import { counter, histogram } from '../../host/prometheus.ts';
import { CLOSE_CAUSES, RUNGS } from '../../runtime/index.ts';
import { parseExposition } from '../support/exposition.ts';
import { invoked } from './invoked-event.ts';
import { MemoryEngine } from './memory-engine.ts';

const prometheus = suite('metrics');

prometheus('a counter escapes its labels', () => {
  const one = counter('c_total', 'Help.', ['a']);
  one.add(['x"\\\n']);
  one.add(['x"\\\n'], 2);
  assert.is(one.render(), '# HELP c_total Help.\n# TYPE c_total counter\nc_total{a="x\\"\\\\\\n"} 3');
});

prometheus('a series that was looked up is the same as by its labels', () => {
  const one = counter('c_total', 'Help.', ['a', 'b']);
  const add = one.series(['x', 'y']);
  one.add(['x', 'y'], 2);
  add();
  add(3);
  one.series(['x', 'z'])();
  assert.equal(one.render().split('\n').slice(2), ['c_total{a="x",b="y"} 6', 'c_total{a="x",b="z"} 1']);
});

prometheus('a histogram is cumulative and ends with everything', () => {
  const one = histogram('h', 'Help.', ['door'], [1, 2]);
  for (const value of [0.5, 1, 1.5, 9]) one.observe(['run'], value);
  assert.equal(one.render().split('\n').slice(2), [
    'h_bucket{door="run",le="1"} 2',
    'h_bucket{door="run",le="2"} 3',
    'h_bucket{door="run",le="+Inf"} 4',
    'h_sum{door="run"} 12',
    'h_count{door="run"} 4',
  ]);
});

prometheus('an invocation counts once, under its function, door, rung and outcome', async () => {
  const metrics = createMetrics({
    traffic: () => ({ receivedBytes: 5, sentBytes: 6 }),
    spans: () => ({ exported: 7, dropped: 8 }),
  });
  metrics.observer.invoked?.({ ...invoked, door: 'run' });
  metrics.observer.invoked?.({ ...invoked, outcome: 'guest-trapped', runMs: undefined });
  metrics.observer.invoked?.({ ...invoked, outcome: 'at-capacity', place: undefined, runMs: undefined });
  metrics.observer.prepared?.({ name: parseName('hello'), version: 1, ms: 800 });
  for (const cause of CLOSE_CAUSES.slice(1)) metrics.observer.sandboxClosed?.({ id: 's', cause, reason: null });
  const name = parseName('web');
  metrics.observer.serviceVmStarted?.({ id: 'v', name, via: 'cached', ms: 80 });
  metrics.observer.serviceVmEnded?.({ id: 'v', name, cause: 'expired', reason: null });
  metrics.observer.serviceAnswered?.({ name, outcome: 'ok' });
  metrics.observer.serviceWentOut?.({ name, outcome: 'refused' });
  const services = { known: 3, vms: 2, vmLimit: 16, bytes: 5, limitBytes: 6 };
  const text = metrics.render({ ...(await new MemoryEngine().status()), services });
  for (const line of [
    'cloudlet_invocations_total{door="run",outcome="ok"} 1',
    'cloudlet_invocations_total{door="http",outcome="guest-trapped"} 1',
    'cloudlet_function_invocations_total{function="hello",outcome="ok"} 1',
    'cloudlet_function_invocations_total{function="hello",outcome="guest"} 1',
    'cloudlet_function_invocations_total{function="hello",outcome="cloudlet"} 1',
    'cloudlet_invocation_duration_seconds_bucket{door="run",le="0.025"} 1',
    'cloudlet_invocation_queue_seconds_bucket{door="run",le="0.001"} 0',
    'cloudlet_invocation_queue_seconds_bucket{door="run",le="0.0025"} 1',
    'cloudlet_invocation_start_seconds_bucket{via="boot",le="0.01"} 2',
    'cloudlet_invocation_run_seconds_count{door="run"} 1',
    'cloudlet_sandboxes_closed_total{cause="idle"} 0',
    'cloudlet_sandboxes_closed_total{cause="evicted"} 1',
    'cloudlet_sandboxes_closed_total{cause="replaced"} 1',
    'cloudlet_sandboxes_closed_total{cause="removed"} 1',
    'cloudlet_sandboxes_closed_total{cause="poisoned"} 1',
    'cloudlet_sandboxes_closed_total{cause="drain"} 1',
    'cloudlet_starts_total{via="idle"} 0',
    'cloudlet_starts_total{via="boot"} 2',
    'cloudlet_prepared_total 1',
    'cloudlet_sandbox_private_bytes 0',
    'cloudlet_sandbox_limit_bytes 1',
    'cloudlet_machines_paused 0',
    'cloudlet_keyvalue_bytes 300',
    'cloudlet_blob_bytes 5000',
    'cloudlet_service_vms_started_total{via="cached"} 1',
    'cloudlet_service_vms_started_total{via="overlay"} 0',
    'cloudlet_service_vms_ended_total{cause="expired"} 1',
    'cloudlet_service_vms_ended_total{cause="failed"} 0',
    'cloudlet_service_requests_total{outcome="ok"} 1',
    'cloudlet_service_outbound_total{outcome="refused"} 1',
    'cloudlet_services 3',
    'cloudlet_service_vms 2',
    'cloudlet_service_private_bytes 5',
    'cloudlet_received_bytes_total 5',
    'cloudlet_sent_bytes_total 6',
    'cloudlet_spans_exported_total 7',
    'cloudlet_spans_dropped_total 8',
    'cloudlet_info{version="0.1.0",sandbox="process",accelerator="none"} 1',
  ]) {
    assert.ok(text.split('\n').includes(line), line);
  }
  const families = parseExposition(text);
  assert.is(families.get('cloudlet_invocation_run_seconds')?.type, 'histogram');
  assert.not.ok(families.has('cloudlet_invocation_run_seconds_bucket'));
});

prometheus('what is like the one before counts with it, and what is not, apart', async () => {
  const metrics = createMetrics();
  const [one, other] = [parseName('one'), parseName('other')];
  for (const event of [
    { name: one },
    { name: one },
    { name: other },
    { name: one },
    { name: one, version: 8 },
    { name: one, version: 8, outcome: 'guest-trapped' },
    { name: one, version: 8, door: 'run' },
  ] as const)
    metrics.observer.invoked?.({ ...invoked, door: 'http', version: 7, outcome: 'ok', ...event });
  const text = metrics.render(await new MemoryEngine().status());
  for (const line of [
    'cloudlet_invocations_total{door="http",outcome="ok"} 5',
    'cloudlet_invocations_total{door="http",outcome="guest-trapped"} 1',
    'cloudlet_invocations_total{door="run",outcome="ok"} 1',
    'cloudlet_function_invocations_total{function="one",outcome="ok"} 5',
    'cloudlet_function_invocations_total{function="one",outcome="guest"} 1',
    'cloudlet_function_invocations_total{function="other",outcome="ok"} 1',
    'cloudlet_version_invocations_total{version="one@7",outcome="ok"} 3',
    'cloudlet_version_invocations_total{version="one@8",outcome="ok"} 2',
    'cloudlet_version_invocations_total{version="one@8",outcome="guest"} 1',
    'cloudlet_version_invocations_total{version="other@7",outcome="ok"} 1',
  ])
    assert.ok(text.split('\n').includes(line), line);
});

prometheus('ten thousand functions have a hundred series, and one for all others', async () => {
  const metrics = createMetrics();
  for (let i = 0; i < 10_000; i += 1) metrics.observer.invoked?.({ ...invoked, name: parseName(`f${i}`) });
  const { samples } = parseExposition(metrics.render(await new MemoryEngine().status())).get(
    'cloudlet_function_invocations_total',
  )!;
  assert.is(samples.length, 101);
  const other = samples.find(({ labels }) => labels.get('function') === 'other');
  assert.is(other?.value, 9900);
});

prometheus('ten thousand versions have a hundred series, and one for all others', async () => {
  const metrics = createMetrics();
  for (let version = 1; version <= 10_000; version += 1) metrics.observer.invoked?.({ ...invoked, version });
  const { samples } = parseExposition(metrics.render(await new MemoryEngine().status())).get(
    'cloudlet_version_invocations_total',
  )!;
  assert.equal([samples.length, samples[0]?.labels.get('version')], [101, 'hello@1']);
});

prometheus('no label of a host can have values without number', async () => {
  const metrics = createMetrics();
  for (let status = 200; status < 600; status += 1) metrics.requestAnswered(status);
  for (const outcome of ['ok', ...Object.keys(ERRORS)])
    for (const door of ['call', 'run', 'http'] as const)
      for (const start of RUNGS)
        metrics.observer.invoked?.({ ...invoked, door, outcome, place: { ...invoked.place!, start } });
  const before = metrics.render(await new MemoryEngine().status());
  metrics.observer.invoked?.({ ...invoked, method: 'BREW', target: 'x', id: 'another' });
  const lines = (text: string): string[] => text.split('\n').map((line) => line.replace(/ [^ ]*$/, ''));
  assert.equal(lines(metrics.render(await new MemoryEngine().status())), lines(before), 'no further series');
});

for (const [what, text] of [
  ['a family twice', '# HELP a x\n# TYPE a counter\na 1\n# HELP a x\n# TYPE a counter\na 2\n'],
  ['a series twice', '# HELP a x\n# TYPE a gauge\na{b="c"} 1\na{b="c"} 2\n'],
  ['no end of the last line', '# HELP a x\n# TYPE a gauge\na 1'],
  ['a quote in a label', '# HELP a x\n# TYPE a gauge\na{b="""} 1\n'],
  ['a sample of no family', '# HELP a x\n# TYPE a gauge\nb 1\n'],
  [
    'a bucket that shrinks',
    '# HELP a x\n# TYPE a histogram\na_bucket{le="1"} 2\na_bucket{le="+Inf"} 1\na_sum 1\na_count 1\n',
  ],
  ['no last bucket', '# HELP a x\n# TYPE a histogram\na_bucket{le="1"} 1\na_sum 1\na_count 1\n'],
  ['a counter below zero', '# HELP a_total x\n# TYPE a_total counter\na_total -1\n'],
] as const) {
  prometheus(`the parser of these tests refuses ${what}`, () => {
    assert.throws(() => parseExposition(text));
  });
}

prometheus.run();
