import type { Status } from '../guest-sdk/protocol/index.ts';
import { type CloudletEvent, type CloudletObserver, RUNGS } from '../runtime/index.ts';
import { counter, gauge, histogram, type Instrument } from './prometheus.ts';

/** Upper bounds of an invocation's duration, seconds: from an instance that is at hand to a machine that boots. */
const DURATION_BUCKETS_S = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** Counts what happens in a host and shows it as Prometheus text. Labels are of closed sets, so that the text stays small. */
export interface Metrics {
  /** Feeds what the engine reports. */
  readonly observer: CloudletObserver;
  /** Feeds what the engine tells the page: an invocation counts when it has ended. */
  readonly event: (event: CloudletEvent) => void;
  readonly requestAnswered: (status: number) => void;
  /** The Prometheus text, version 0.0.4. */
  readonly render: (status: Status) => string;
}

/** Bytes that went over the connections of a listener since it was made. */
export interface Traffic {
  readonly receivedBytes: number;
  readonly sentBytes: number;
}

/** Makes the counters of one host; `traffic` is asked when they are shown. */
export function createMetrics(traffic: () => Traffic = () => ({ receivedBytes: 0, sentBytes: 0 })): Metrics {
  const requests = counter('cloudlet_http_requests_total', 'HTTP requests answered, by status.', ['status']);
  const invocations = counter('cloudlet_invocations_total', 'Invocations ended, by door and outcome.', [
    'door',
    'outcome',
  ]);
  const durations = histogram(
    'cloudlet_invocation_duration_seconds',
    'Time from acceptance to the end of an invocation.',
    ['door'],
    DURATION_BUCKETS_S,
  );
  const started = counter('cloudlet_sandboxes_started_total', 'Sandboxes started, by how they came to be.', ['via']);
  const closed = counter(
    'cloudlet_sandboxes_closed_total',
    'Sandboxes closed: unused, replaced or in the way of others (idle), or failed.',
    ['cause'],
  );
  const starts = counter('cloudlet_starts_total', 'Invocations that got a sandbox, by the rung of the start ladder.', [
    'via',
  ]);
  for (const rung of RUNGS) starts.add([rung], 0);
  const prepared = counter(
    'cloudlet_prepared_total',
    'Versions whose snapshot was made: their starts are clones of it.',
    [],
  );
  const published = counter('cloudlet_publishes_total', 'Publishes, by whether they made a new version.', ['created']);
  const counters: readonly Instrument[] = [
    requests,
    invocations,
    durations,
    starts,
    started,
    closed,
    prepared,
    published,
  ];
  return {
    observer: {
      sandboxStarted: ({ via }) => started.add([via]),
      sandboxClosed: ({ reason }) => closed.add([reason === null ? 'idle' : 'failed']),
      prepared: () => prepared.add([]),
      published: ({ created }) => published.add([String(created)]),
    },
    event: (event) => {
      if (event.kind !== 'invocation' || event.invocation.outcome === 'running') return;
      invocations.add([event.invocation.door, event.invocation.outcome]);
      if (event.invocation.start !== undefined) starts.add([event.invocation.start]);
      if (event.invocation.durationMs !== null)
        durations.observe([event.invocation.door], event.invocation.durationMs / 1000);
    },
    requestAnswered: (status) => requests.add([String(status)]),
    render: (status) =>
      `${[...counters, ...transferred(traffic()), ...present(status)].map((one) => one.render()).join('\n')}\n`,
  };
}

function transferred({ receivedBytes, sentBytes }: Traffic): Instrument[] {
  const received = counter('cloudlet_received_bytes_total', 'Bytes received on all connections.', []);
  const sent = counter('cloudlet_sent_bytes_total', 'Bytes sent on all connections.', []);
  received.add([], receivedBytes);
  sent.add([], sentBytes);
  return [received, sent];
}

/** Gauges are read when they are asked for, so that they cannot drift from what they measure. */
function present(status: Status): Instrument[] {
  return [
    gauge('cloudlet_info', 'Version, kind of sandbox and accelerator.', 1, {
      version: status.version,
      sandbox: status.sandbox,
      accelerator: status.accelerator.kind,
    }),
    gauge('cloudlet_functions', 'Published functions.', status.functions),
    gauge(
      'cloudlet_store_bytes',
      'Bytes that functions keep, as their quotas count them.',
      status.stores.keyValueBytes,
      {
        store: 'keyvalue',
      },
    ),
    gauge('cloudlet_keyvalue_bytes', 'Keys and values that functions keep.', status.stores.keyValueBytes),
    gauge('cloudlet_blob_bytes', 'Objects that functions keep.', status.stores.blobBytes),
    gauge('cloudlet_machines', 'Sandboxes, running and paused.', status.machines),
    gauge(
      'cloudlet_machines_paused',
      'Sandboxes that are paused: they cost memory and no CPU.',
      status.load.sandboxesPaused,
    ),
    gauge('cloudlet_sandbox_private_bytes', 'Private memory of all sandboxes.', status.load.sandboxBytes),
    gauge('cloudlet_sandbox_limit_bytes', 'Private memory that all sandboxes may take.', status.limits.sandboxBytes),
    ...(status.snapshots === undefined
      ? []
      : [
          gauge(
            'cloudlet_snapshots',
            'Snapshots of machines on disk, from which others are cloned.',
            status.snapshots.kept,
          ),
          gauge('cloudlet_snapshot_bytes', 'Disk space of snapshots.', status.snapshots.bytes),
          gauge('cloudlet_snapshot_limit_bytes', 'Disk space that snapshots may take.', status.snapshots.limitBytes),
        ]),
    gauge('cloudlet_invocations_running', 'Invocations running.', status.load.invocationsRunning),
    gauge('cloudlet_invocations_queued', 'Invocations waiting for a sandbox.', status.load.invocationsQueued),
    gauge('cloudlet_uptime_seconds', 'Time since the host started.', status.uptimeS),
    gauge('process_resident_memory_bytes', 'Resident memory of the host.', status.load.rssBytes),
  ];
}
