/**
 * A strict reader of the Prometheus text format, version 0.0.4: what no scraper would take is an error here, and so is what each takes
 * in its own way.
 */

/** One sample of a family. */
export interface Sample {
  readonly name: string;
  readonly labels: ReadonlyMap<string, string>;
  readonly value: number;
}

/** A metric with all its samples. */
export interface Family {
  readonly type: string;
  readonly help: string;
  readonly samples: readonly Sample[];
}

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const VALUE = '[+-]?(?:Inf|NaN|(?:\\d+\\.?\\d*|\\.\\d+)(?:e[+-]?\\d+)?)';
const SAMPLE = new RegExp(`^(${NAME})(?:\\{(.*)\\})? (${VALUE})$`);
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(,|$)/y;

/** The families of a text, by name; throws with the line that is wrong. */
export function parseExposition(text: string): Map<string, Family> {
  if (!text.endsWith('\n')) throw new Error('expected a line end after the last line');
  const families = new Map<string, Family & { samples: Sample[] }>();
  const lines = text.slice(0, -1).split('\n');
  let current = '';
  for (let i = 0; i < lines.length; i += 1) {
    const line = lines[i]!;
    const help = new RegExp(`^# HELP (${NAME}) ((?:[^\\\\]|\\\\[\\\\n])+)$`).exec(line);
    if (help !== null) {
      const type = new RegExp(`^# TYPE ${help[1]} (counter|gauge|histogram|summary|untyped)$`).exec(lines[i + 1] ?? '');
      if (type === null) throw new Error(`expected a type after ${line}`);
      if (families.has(help[1]!)) throw new Error(`${help[1]} comes twice`);
      current = help[1]!;
      families.set(current, { type: type[1]!, help: help[2]!, samples: [] });
      i += 1;
      continue;
    }
    const sample = SAMPLE.exec(line);
    const family = families.get(current);
    if (sample === null || family === undefined) throw new Error(`expected a sample, got ${line}`);
    const [, name, labels, value] = sample;
    if (!namesOf(current, family.type).includes(name!)) throw new Error(`${name} is no sample of ${current}`);
    family.samples.push({ name: name!, labels: parseLabels(labels), value: Number(value!.replace('Inf', 'Infinity')) });
  }
  for (const [name, family] of families) checkFamily(name, family);
  return families;
}

function namesOf(family: string, type: string): readonly string[] {
  return type === 'histogram' ? [`${family}_bucket`, `${family}_sum`, `${family}_count`] : [family];
}

function parseLabels(text: string | undefined): Map<string, string> {
  const labels = new Map<string, string>();
  if (text === undefined) return labels;
  LABEL.lastIndex = 0;
  while (LABEL.lastIndex < text.length) {
    const at = LABEL.lastIndex;
    const match = LABEL.exec(text);
    if (match === null) throw new Error(`expected a label, got ${text.slice(at)}`);
    if (labels.has(match[1]!)) throw new Error(`the label ${match[1]} comes twice`);
    labels.set(
      match[1]!,
      match[2]!.replace(/\\(.)/g, (_, c: string) => (c === 'n' ? '\n' : c)),
    );
  }
  if (labels.size === 0) throw new Error('expected a label between braces');
  return labels;
}

function checkFamily(name: string, { type, samples }: Family): void {
  const keyOf = ({ name, labels }: Sample): string => JSON.stringify([name, [...labels].sort()]);
  if (new Set(samples.map(keyOf)).size !== samples.length) throw new Error(`${name} has a series twice`);
  if (type === 'counter' && !name.endsWith('_total')) throw new Error(`expected the counter ${name} to end in _total`);
  if (type !== 'gauge' && samples.some(({ value }) => !(value >= 0))) throw new Error(`${name} is below zero`);
  if (type === 'histogram') checkHistogram(name, samples);
}

function checkHistogram(name: string, samples: readonly Sample[]): void {
  const groups = new Map<string, Sample[]>();
  for (const sample of samples) {
    const key = JSON.stringify([...sample.labels].filter(([label]) => label !== 'le').sort());
    groups.set(key, [...(groups.get(key) ?? []), sample]);
  }
  for (const group of groups.values()) {
    const buckets = group.filter((one) => one.name.endsWith('_bucket'));
    const bounds = buckets.map(({ labels }) => Number(labels.get('le')!.replace('+Inf', 'Infinity')));
    if (bounds.at(-1) !== Number.POSITIVE_INFINITY) throw new Error(`${name} has no bucket for everything`);
    for (const [i, bucket] of buckets.entries()) {
      if (i > 0 && !(bounds[i]! > bounds[i - 1]!)) throw new Error(`the bounds of ${name} do not grow`);
      if (i > 0 && bucket.value < buckets[i - 1]!.value) throw new Error(`the buckets of ${name} are not cumulative`);
    }
    const count = group.filter((one) => one.name.endsWith('_count'));
    const sum = group.filter((one) => one.name.endsWith('_sum'));
    if (count.length !== 1 || sum.length !== 1) throw new Error(`expected one count and one sum of ${name}`);
    if (count[0]!.value !== buckets.at(-1)!.value) throw new Error(`the count of ${name} is not its last bucket`);
  }
}
