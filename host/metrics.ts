import { ERRORS, isErrorCode, type Status } from '../guest-sdk/protocol/index.ts';
import { CLOSE_CAUSES, type CloudletObserver, type InvokedEvent, RUNGS } from '../runtime/index.ts';
import { boundedLabel, counter, gauge, type Histogram, histogram, type Instrument } from './prometheus.ts';
import { presentServices, serviceMetrics } from './service-metrics.ts';

/** Upper bounds of an invocation's duration, seconds: from an instance that is at hand to a machine that boots. */
const DURATION_BUCKETS_S = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** Functions that have series of their own; whoever may publish chooses how many there are. */
const MAX_FUNCTIONS = 100;

/** Counts what happens in a host and shows it as Prometheus text. Labels are of closed sets, so that the text stays small. */
export interface Metrics {
  /** Feeds what the engine reports. */
  readonly observer: CloudletObserver;
  readonly requestAnswered: (status: number) => void;
  /** The Prometheus text, version 0.0.4. */
  readonly render: (status: Status) => string;
}

/** What became of spans, where they are exported. */
export interface SpanCounts {
  readonly exported: number;
  /** Because they came faster than they could be sent, or nobody took them. */
  readonly dropped: number;
}

/** Bytes that went over the connections of a listener since it was made. */
export interface Traffic {
  readonly receivedBytes: number;
  readonly sentBytes: number;
}

/** What is asked when the counters are shown. */
export interface MetricSources {
  readonly traffic?: () => Traffic;
  readonly spans?: () => SpanCounts;
}

/** Makes the counters of one host. */
export function createMetrics({ traffic = noTraffic, spans }: MetricSources = {}): Metrics {
  const requests = counter('cloudlet_http_requests_total', 'HTTP requests answered, by status.', ['status']);
  const started = counter('cloudlet_sandboxes_started_total', 'Sandboxes started, by how they came to be.', ['via']);
  const closed = counter('cloudlet_sandboxes_closed_total', 'Sandboxes closed, by why.', ['cause']);
  for (const cause of CLOSE_CAUSES) closed.add([cause], 0);
  const prepared = counter(
    'cloudlet_prepared_total',
    'Versions whose snapshot was made: their starts are clones of it.',
    [],
  );
  const published = counter('cloudlet_publishes_total', 'Publishes, by whether they made a new version.', ['created']);
  const invocations = invocationMetrics();
  const services = serviceMetrics();
  const counters: readonly Instrument[] = [
    ...[requests, ...invocations.instruments, started, closed, prepared, published],
    ...services.instruments,
  ];
  return {
    observer: {
      ...services.observer,
      invoked: invocations.count,
      sandboxStarted: ({ via }) => started.add([via]),
      sandboxClosed: ({ cause }) => closed.add([cause]),
      prepared: () => prepared.add([]),
      published: ({ created }) => published.add([String(created)]),
    },
    requestAnswered: (status) => requests.add([String(status)]),
    render: (status) => {
      const exported = spans === undefined ? [] : spanMetrics(spans());
      const all = [...counters, ...transferred(traffic()), ...exported, ...present(status)];
      return `${all.map((one) => one.render()).join('\n')}\n`;
    },
  };
}

/** What the invocations that count in the same series have in common, and what adds to these. */
interface Counted extends Pick<InvokedEvent, 'name' | 'version' | 'door' | 'outcome'> {
  readonly added: readonly (() => void)[];
}

function isCountedAs(last: Counted, { name, version, door, outcome }: InvokedEvent): boolean {
  return last.name === name && last.version === version && last.door === door && last.outcome === outcome;
}

/** An invocation counts once, when it has ended. */
function invocationMetrics(): {
  readonly instruments: readonly Instrument[];
  readonly count: (event: InvokedEvent) => void;
} {
  const ended = counter('cloudlet_invocations_total', 'Invocations ended, by door and outcome.', ['door', 'outcome']);
  const functions = counter(
    'cloudlet_function_invocations_total',
    `Invocations ended, by function (the first ${MAX_FUNCTIONS} to be invoked, then "other") and whose fault it was when one failed.`,
    ['function', 'outcome'],
  );
  const versions = counter(
    'cloudlet_version_invocations_total',
    `Invocations ended, by function and version (the first ${MAX_FUNCTIONS} to be invoked, then "other") and whose fault it was when one failed.`,
    ['version', 'outcome'],
  );
  const starts = counter('cloudlet_starts_total', 'Invocations that got a sandbox, by the rung of the start ladder.', [
    'via',
  ]);
  for (const rung of RUNGS) starts.add([rung], 0);
  const seconds = (name: string, help: string, label: string): Histogram =>
    histogram(`cloudlet_invocation_${name}_seconds`, help, [label], DURATION_BUCKETS_S);
  const durations = seconds('duration', 'Time from acceptance to the end of an invocation.', 'door');
  const queues = seconds('queue', 'Time that an invocation waited for a place in a sandbox.', 'door');
  const startTimes = seconds('start', 'Time that an invocation waited for its sandbox to start or go on.', 'via');
  const runs = seconds('run', 'Time of the guest in invocations that ended well.', 'door');
  const functionLabel = boundedLabel(MAX_FUNCTIONS);
  const versionLabel = boundedLabel(MAX_FUNCTIONS);
  const counted = (event: InvokedEvent): Counted => {
    const { name, version, door, outcome } = event;
    const fault = outcome !== 'ok' && isErrorCode(outcome) ? ERRORS[outcome].fault : 'ok';
    const added = [
      ended.series([door, outcome]),
      functions.series([functionLabel(name), fault]),
      versions.series([versionLabel(`${name}@${version}`), fault]),
    ];
    return { name, version, door, outcome, added };
  };
  let last: Counted | null = null;
  return {
    instruments: [ended, functions, versions, durations, queues, startTimes, runs, starts],
    count: (event) => {
      const { door, durationMs, place, runMs } = event;
      if (last === null || !isCountedAs(last, event)) last = counted(event);
      for (const add of last.added) add();
      durations.observe([door], durationMs / 1000);
      if (place !== undefined) {
        starts.add([place.start]);
        queues.observe([door], place.queueMs / 1000);
        startTimes.observe([place.start], place.startMs / 1000);
      }
      if (runMs !== undefined) runs.observe([door], runMs / 1000);
    },
  };
}

function spanMetrics({ exported, dropped }: SpanCounts): Instrument[] {
  const sent = counter('cloudlet_spans_exported_total', 'OpenTelemetry spans that the collector took.', []);
  const lost = counter('cloudlet_spans_dropped_total', 'OpenTelemetry spans that nobody has.', []);
  sent.add([], exported);
  lost.add([], dropped);
  return [sent, lost];
}

function noTraffic(): Traffic {
  return { receivedBytes: 0, sentBytes: 0 };
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
    ...(status.services === undefined ? [] : presentServices(status.services)),
    gauge('cloudlet_invocations_running', 'Invocations running.', status.load.invocationsRunning),
    gauge('cloudlet_invocations_queued', 'Invocations waiting for a sandbox.', status.load.invocationsQueued),
    gauge('cloudlet_uptime_seconds', 'Time since the host started.', status.uptimeS),
    gauge('process_resident_memory_bytes', 'Resident memory of the host.', status.load.rssBytes),
  ];
}
