/** One metric family that can show itself as Prometheus text. */
export interface Instrument {
  readonly render: () => string;
}

/** A number that only grows, by label values in the order of its label names. */
export interface Counter extends Instrument {
  readonly add: (labels: readonly string[], amount?: number) => void;
  /** What adds to one series: nearly all invocations count in the same ones, which need not be looked up again. */
  readonly series: (labels: readonly string[]) => (amount?: number) => void;
}

/** A distribution in cumulative buckets. */
export interface Histogram extends Instrument {
  readonly observe: (labels: readonly string[], value: number) => void;
}

/** Makes a counter. Without labels it starts at 0, so that its rate is known from the first scrape. */
export function counter(name: string, help: string, labelNames: readonly string[]): Counter {
  const series = new Map<string, { readonly labels: string; value: number }>();
  const seriesOf = (values: readonly string[]) => {
    const key = keyOf(values);
    let one = series.get(key);
    if (one === undefined) {
      one = { labels: labelText(labelNames, values), value: 0 };
      series.set(key, one);
    }
    return one;
  };
  const add: Counter['add'] = (values, amount = 1) => {
    seriesOf(values).value += amount;
  };
  if (labelNames.length === 0) add([], 0);
  return {
    add,
    series: (values) => {
      const one = seriesOf(values);
      return (amount = 1) => {
        one.value += amount;
      };
    },
    render: () =>
      [
        ...head(name, help, 'counter'),
        ...[...series.values()].map(({ labels, value }) => `${name}${labels} ${value}`),
      ].join('\n'),
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
  const series = new Map<string, { values: readonly string[]; buckets: number[]; sum: number; count: number }>();
  return {
    observe: (values, value) => {
      const key = keyOf(values);
      const one = series.get(key) ?? { values, buckets: bounds.map(() => 0), sum: 0, count: 0 };
      if (one.count === 0) series.set(key, one);
      const at = bounds.findIndex((bound) => value <= bound);
      if (at !== -1) one.buckets[at]! += 1;
      one.sum += value;
      one.count += 1;
    },
    render: () => {
      const lines = [...series.values()].flatMap(({ values, buckets, sum, count }) => {
        let below = 0;
        const bucket = (bound: string, upTo: number): string =>
          `${name}_bucket${labelText([...labelNames, 'le'], [...values, bound])} ${upTo}`;
        return [
          ...bounds.map((bound, i) => {
            below += buckets[i]!;
            return bucket(String(bound), below);
          }),
          bucket('+Inf', count),
          `${name}_sum${labelText(labelNames, values)} ${sum}`,
          `${name}_count${labelText(labelNames, values)} ${count}`,
        ];
      });
      return [...head(name, help, 'histogram'), ...lines].join('\n');
    },
  };
}

/** A label that outsiders choose the values of: it has at most so many, all others are `other`. Gives what stands for a value. */
export function boundedLabel(most: number): (value: string) => string {
  const known = new Set<string>();
  return (value) => {
    if (known.has(value)) return value;
    if (known.size >= most) return 'other';
    known.add(value);
    return value;
  };
}

function keyOf(values: readonly string[]): string {
  if (values.length === 1) return values[0]!;
  // By far the most have two; to join a list costs three times as much.
  return values.length === 2 ? `${values[0]}\0${values[1]}` : values.join('\0');
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
