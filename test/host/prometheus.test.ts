import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseName } from '../../guest-sdk/protocol/index.ts';
import { createMetrics } from '../../host/metrics.ts';
import { counter, histogram } from '../../host/prometheus.ts';
import { MemoryEngine } from './memory-engine.ts';

const prometheus = suite('metrics');

prometheus('a counter escapes its labels', () => {
  const one = counter('c_total', 'Help.', ['a']);
  one.add(['x"\\\n']);
  one.add(['x"\\\n'], 2);
  assert.is(one.render(), '# HELP c_total Help.\n# TYPE c_total counter\nc_total{a="x\\"\\\\\\n"} 3');
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

prometheus('an invocation counts once, when it has ended', async () => {
  const metrics = createMetrics(() => ({ receivedBytes: 5, sentBytes: 6 }));
  const invocation = {
    id: 'i',
    function: 'hello',
    version: 1,
    door: 'run',
    startedAt: '',
    durationMs: null,
    outcome: 'running',
  } as const;
  metrics.event({ kind: 'invocation', invocation });
  metrics.event({
    kind: 'invocation',
    invocation: { ...invocation, outcome: 'ok', durationMs: 20, start: 'function-clone' },
  });
  metrics.observer.prepared?.({ name: parseName('hello'), version: 1, ms: 800 });
  metrics.observer.sandboxClosed?.({ id: 's', reason: 'QEMU ended' });
  const text = metrics.render(await new MemoryEngine().status());
  for (const line of [
    'cloudlet_invocations_total{door="run",outcome="ok"} 1',
    'cloudlet_invocation_duration_seconds_bucket{door="run",le="0.025"} 1',
    'cloudlet_sandboxes_closed_total{cause="failed"} 1',
    'cloudlet_starts_total{via="idle"} 0',
    'cloudlet_starts_total{via="function-clone"} 1',
    'cloudlet_prepared_total 1',
    'cloudlet_sandbox_private_bytes 0',
    'cloudlet_sandbox_limit_bytes 1',
    'cloudlet_machines_paused 0',
    'cloudlet_keyvalue_bytes 300',
    'cloudlet_blob_bytes 5000',
    'cloudlet_received_bytes_total 5',
    'cloudlet_sent_bytes_total 6',
    'cloudlet_info{version="0.1.0",sandbox="process",accelerator="none"} 1',
  ]) {
    assert.ok(text.split('\n').includes(line), line);
  }
  for (const line of text.trimEnd().split('\n')) assert.match(line, /^(# (HELP|TYPE) \w+ .+|\w+(\{.*\})? [\d.e+-]+)$/);
});

prometheus.run();
