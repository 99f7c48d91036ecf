import type { TraceSampler } from '../../runtime/index.ts';
import type { SamplerName } from './tracing-config.ts';

/** A sampler of the OpenTelemetry specification; `ratio` is the part that `traceidratio` keeps. */
export function traceSampler(name: SamplerName, ratio: number): TraceSampler {
  const isParentBased = name.startsWith('parentbased_');
  const root = rootSampler(name, ratio);
  return (traceId, parent) => (isParentBased && parent !== null ? parent.sampled : root(traceId));
}

function rootSampler(name: SamplerName, ratio: number): (traceId: string) => boolean {
  if (name.endsWith('always_on')) return () => true;
  if (name.endsWith('always_off')) return () => false;
  return (traceId) => randomness(traceId) >= 1 - ratio;
}

/** The random part of a trace's id, from 0 to 1: the last 56 bits, of which a number holds the first 52. */
function randomness(traceId: string): number {
  return Number.parseInt(traceId.slice(18, 31), 16) / 2 ** 52;
}
