import type { CloudletObserver, TraceSampler } from '../../runtime/index.ts';
import type { Journal } from '../journal.ts';
import type { SpanCounts } from '../metrics.ts';
import { countSpans, invocationSpans, text } from './otlp-spans.ts';
import { traceSampler } from './sampler.ts';
import { SpanExporter, type SpanExporterOptions } from './span-exporter.ts';
import type { TracingConfig } from './tracing-config.ts';

/** Spans of what a host does, on their way to a collector. */
export interface Tracing {
  readonly sample: TraceSampler;
  /** Feeds what the engine reports. */
  readonly observer: CloudletObserver;
  readonly counts: () => SpanCounts;
  /** Sends what waits, for at most so long. */
  readonly close: (withinMs: number) => Promise<void>;
}

/** What a host is, as every span says. */
export interface TracedHost {
  readonly version: string;
  /** Differs between hosts of the same name. */
  readonly id: string;
}

/** Makes the spans of one host; loaded only where `OTEL_*` names an endpoint. `host` is asked when the first are sent. */
export function openTracing(
  config: TracingConfig,
  host: () => TracedHost,
  journal: Journal,
  world: Pick<SpanExporterOptions, 'fetch' | 'after'> = {},
): Tracing {
  const troubled = (sentence: string): void => journal.warn('spans not exported', { detail: sentence });
  const wrap = (spans: readonly unknown[]): unknown => requestBody(config, host(), spans);
  const exporter = new SpanExporter({ ...config, ...world, troubled }, wrap);
  return {
    sample: traceSampler(config.sampler, config.ratio),
    observer: {
      invoked: (event) => {
        if (event.trace.sampled) exporter.add({ spans: countSpans(event), make: () => invocationSpans(event) });
      },
    },
    counts: () => exporter.counts,
    close: (withinMs) => exporter.close(withinMs),
  };
}

/** An `ExportTraceServiceRequest`. */
function requestBody({ resource }: TracingConfig, { version, id }: TracedHost, spans: readonly unknown[]): unknown {
  const attributes = {
    'service.version': version,
    'service.instance.id': id,
    'telemetry.sdk.language': 'nodejs',
    'telemetry.sdk.name': 'cloudlet',
    'telemetry.sdk.version': version,
    ...resource,
  };
  const scopeSpans = [{ scope: { name: 'cloudlet', version }, spans }];
  const all = Object.entries(attributes).map(([key, value]) => text(key, value));
  return { resourceSpans: [{ resource: { attributes: all }, scopeSpans }] };
}
