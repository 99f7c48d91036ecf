import { APPLICATIONS } from './applications.ts';

/** One repetition of one measurement. */
export interface Sample {
  readonly application: string;
  /** A link's name, or `-` where none is in it. */
  readonly link: string;
  /** The figure's name, with its unit. */
  readonly figure: string;
  readonly value: number;
  /** `measured`, or `projected` from stages that were. */
  readonly kind: 'measured' | 'projected';
}

/** What runs of a benchmark found, as it is kept beside it. */
export interface Results {
  /** The computers that it was found on, in words. */
  readonly machines: readonly string[];
  readonly samples: readonly Sample[];
}

const HEAD = 'application,link,figure,value,kind';

/** Results as CSV: all samples, and behind them the median and the 95th percentile of each figure that was measured more than once. */
export function resultsText({ machines, samples }: Results): string {
  const row = ({ application, link, figure }: Sample, value: number, kind: string) =>
    [application, link, figure, String(rounded(value)), kind].join(',');
  const summary = [...Map.groupBy(samples, nameOf).values()].flatMap((group) => {
    const values = sortedValues(group);
    const [first] = group;
    if (values.length === 1) return [];
    return [row(first!, percentile(values, 0.5), 'median'), row(first!, percentile(values, 0.95), 'p95')];
  });
  return [
    ...machines.map((machine) => `# ${machine}`),
    HEAD,
    ...samples.map((sample) => row(sample, sample.value, sample.kind)),
    ...summary,
    '',
  ].join('\n');
}

/** Reads what `resultsText` wrote. */
export function parseResults(text: string): Results {
  const lines = text.split('\n').filter((line) => line !== '' && line !== HEAD);
  const machines = lines.flatMap((line) => (line.startsWith('# ') ? [line.slice(2)] : []));
  const samples = lines
    .filter((line) => !line.startsWith('#') && !/,(median|p95)$/.test(line))
    .map((line) => {
      const [application, link, figure, value, kind] = line.split(',') as [string, string, string, string, string];
      return { application, link, figure, value: Number(value), kind: kind as Sample['kind'] };
    });
  return { machines, samples };
}

/** What a run found in the place of what earlier ones did: of `complete` applications all of it, of others the figures that it measured. */
export function mergedResults(before: Results, now: Results, complete: ReadonlySet<string>): Results {
  const kept = before.samples.filter(({ application }) => !complete.has(application));
  const groups = new Map(Map.groupBy(kept, nameOf));
  for (const [name, group] of Map.groupBy(now.samples, nameOf)) groups.set(name, group);
  const names = APPLICATIONS.map(({ name }) => name);
  const samples = [...groups.values()]
    .flat()
    .sort((a, b) => names.indexOf(a.application) - names.indexOf(b.application));
  const isAllNew = samples.length === now.samples.length;
  return { machines: isAllNew ? now.machines : [...new Set([...before.machines, ...now.machines])], samples };
}

/** A figure of an application, over a link where there is one. */
export function nameOf({ application, link, figure }: Sample): string {
  return link === '-' ? `${application}_${figure}` : `${application}_${link}_${figure}`;
}

/** The values of samples, ascending. */
export function sortedValues(samples: readonly Sample[]): number[] {
  return samples.map(({ value }) => value).sort((a, b) => a - b);
}

/** Of sorted values: the nearest rank. */
export function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]!;
}

/** Bytes and the like are exact. */
export function rounded(value: number): number {
  return Number.isInteger(value) ? value : Number(value.toPrecision(4));
}
