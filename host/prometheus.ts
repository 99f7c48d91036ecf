/** One metric family that can show itself as Prometheus text. */
export interface Instrument {
  readonly render: () => string;
}

/** A number that only grows, by label values in the order of its label names. */
export interface Counter extends Instrument {
  readonly add: (labels: readonly string[], amount?: number) => void;
}

/** A distribution in cumulative buckets. */
export interface Histogram extends Instrument {
  readonly observe: (labels: readonly string[], value: number) => void;
}

/** Makes a counter. Without labels it starts at 0, so that its rate is known from the first scrape. */
export function counter(name: string, help: string, labelNames: readonly string[]): Counter {
  const values = new Map<string, number>(labelNames.length === 0 ? [['', 0]] : []);
  return {
    add: (labels, amount = 1) => {
      const key = labelText(labelNames, labels);
      values.set(key, (values.get(key) ?? 0) + amount);
    },
    render: () =>
      [...head(name, help, 'counter'), ...[...values].map(([labels, value]) => `${name}${labels} ${value}`)].join('\n'),
  };
}

/** A value at the moment of asking. */
export function gauge(
  name: string,
  help: string,
  value: number,
  labels: Readonly<Record<string, string>> = {},
): Instrument {
  const text = labelText(Object.keys(labels), Object.values(labels));
  return { render: () => [...head(name, help, 'gauge'), `${name}${text} ${value}`].join('\n') };
}

/** Makes a histogram with these upper bounds, ascending. */
export function histogram(
  name: string,
  help: string,
  labelNames: readonly string[],
  bounds: readonly number[],
): Histogram {
  const series = new Map<string, { labels: readonly string[]; buckets: number[]; sum: number; count: number }>();
  return {
    observe: (labels, value) => {
      const key = labelText(labelNames, labels);
      const one = series.get(key) ?? { labels, buckets: bounds.map(() => 0), sum: 0, count: 0 };
      series.set(key, one);
      for (const [i, bound] of bounds.entries()) if (value <= bound) one.buckets[i]! += 1;
      one.sum += value;
      one.count += 1;
    },
    render: () => {
      const lines = [...series].flatMap(([key, { labels, buckets, sum, count }]) => [
        ...[...bounds, '+Inf'].map(
          (bound, i) =>
            `${name}_bucket${labelText([...labelNames, 'le'], [...labels, String(bound)])} ${buckets[i] ?? count}`,
        ),
        `${name}_sum${key} ${sum}`,
        `${name}_count${key} ${count}`,
      ]);
      return [...head(name, help, 'histogram'), ...lines].join('\n');
    },
  };
}

function head(name: string, help: string, type: string): string[] {
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`];
}

function labelText(names: readonly string[], values: readonly string[]): string {
  if (names.length === 0) return '';
  const pairs = names.map(
    (name, i) => `${name}="${(values[i] ?? '').replace(/["\\\n]/g, (c) => (c === '\n' ? '\\n' : `\\${c}`))}"`,
  );
  return `{${pairs.join(',')}}`;
}
