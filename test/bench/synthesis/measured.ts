import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { type BarGroup, barChart } from '../bar-chart.ts';
import { describeMachine } from '../machine.ts';
import { APPLICATIONS } from './applications.ts';
import type { KeptSteps } from './kept-steps.ts';

const RESULTS = new URL('../results/', import.meta.url);

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

/** A benchmark ended before all was measured, because its time was over. */
export class Unfinished extends Error {}

/** How a benchmark of many steps is measured. */
export interface StepOptions {
  readonly kept: KeptSteps;
  /** After this time, of `performance.now()`, no step begins. */
  readonly untilMs?: number;
}

/** What is measured, sample by sample. */
export class Samples {
  readonly all: Sample[] = [];
  readonly #steps: StepOptions | null;

  /** With `steps`, what was measured of them before is taken over. */
  constructor(steps: StepOptions | null = null) {
    this.#steps = steps;
  }

  /** Whether a step was measured before. */
  has(step: string): boolean {
    return this.#steps?.kept.of(step) !== undefined;
  }

  /** Measures a step, whose samples are `application`'s, unless that was done; `Unfinished` when the time is over. */
  async step(step: string, application: string, measure: (add: AddSample) => Promise<void>): Promise<void> {
    const known = this.#steps?.kept.of(step);
    if (known !== undefined) {
      this.all.push(...known);
      return;
    }
    if (performance.now() > (this.#steps?.untilMs ?? Number.POSITIVE_INFINITY))
      throw new Unfinished(`the time was over before ${step}; what was measured is kept, run it again to go on`);
    const samples: Sample[] = [];
    await measure((figure, value, link = '-', kind = 'measured') => {
      samples.push({ application, link, figure, value, kind });
    });
    this.all.push(...samples);
    await this.#steps?.kept.keep(step, samples);
  }

  add(sample: Omit<Sample, 'kind'> & { readonly kind?: Sample['kind'] }): void {
    this.all.push({ kind: 'measured', ...sample });
  }

  /** Medians and 95th percentiles, by names such as `ocr_15mbit_pipelined_first_answer_s`. */
  figures(): Record<string, number> {
    const groups = Map.groupBy(this.all, nameOf);
    return Object.fromEntries(
      [...groups].flatMap(([name, samples]) => {
        const values = samples.map(({ value }) => value).sort((a, b) => a - b);
        const median = rounded(percentile(values, 0.5));
        return values.length === 1
          ? [[name, median]]
          : [
              [name, median],
              [`${name}_p95`, rounded(percentile(values, 0.95))],
            ];
      }),
    );
  }

  /** All samples as CSV, and behind them the median and the 95th percentile of each figure that was measured more than once. */
  csv(): string {
    const row = ({ application, link, figure }: Sample, value: number, kind: string) =>
      [application, link, figure, String(rounded(value)), kind].join(',');
    const summary = [...Map.groupBy(this.all, nameOf).values()].flatMap((samples) => {
      const values = samples.map(({ value }) => value).sort((a, b) => a - b);
      const [first] = samples;
      if (values.length === 1) return [];
      return [row(first!, percentile(values, 0.5), 'median'), row(first!, percentile(values, 0.95), 'p95')];
    });
    return [HEAD, ...this.all.map((sample) => row(sample, sample.value, sample.kind)), ...summary, ''].join('\n');
  }

  /** Keeps the samples beside the benchmark, and draws the chart of all that is kept. */
  async keep(bench: string): Promise<void> {
    await mkdir(RESULTS, { recursive: true });
    await writeFile(new URL(`${bench}.csv`, RESULTS), `# ${describeMachine()}\n${this.csv()}`);
    await drawChart();
    await this.#steps?.kept.remove();
  }
}

const HEAD = 'application,link,figure,value,kind';

/** Adds a sample of a step. */
export type AddSample = (figure: string, value: number, link?: string, kind?: Sample['kind']) => void;

/** Reads what another run kept; nothing when there is none. */
async function kept(bench: string): Promise<Sample[]> {
  const text = await readFile(new URL(`${bench}.csv`, RESULTS), 'utf8').catch(() => '');
  return text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#') && line !== HEAD && !/,(median|p95)$/.test(line))
    .map((line) => {
      const [application, link, figure, value, kind] = line.split(',') as [string, string, string, string, string];
      return { application, link, figure, value: Number(value), kind: kind as Sample['kind'] };
    });
}

/** The link that the chart shows. */
export const CHARTED = '15mbit';

const BARS = [
  { label: 'component, pushed', figure: 'component_first_answer_s', link: CHARTED, perS: 1 },
  { label: 'overlay, pipelined', figure: 'pipelined_first_answer_s', link: CHARTED, perS: 1 },
  { label: 'overlay, naive', figure: 'naive_first_answer_s', link: CHARTED, perS: 1 },
  { label: 'recipe, on demand', figure: 'on_demand_s', link: '-', perS: 1 },
  { label: 'cached VM', figure: 'cached_first_answer_ms', link: '-', perS: 1000 },
] as const;

/** Draws the chart of what both benchmarks kept. */
export async function drawChart(): Promise<void> {
  const samples = [...(await kept('synthesis')), ...(await kept('provision'))];
  const groups: BarGroup[] = APPLICATIONS.map(({ name, title }) => ({
    title,
    bars: BARS.map(({ label, figure, link, perS }) => {
      const found = samples.filter((each) => each.application === name && each.figure === figure && each.link === link);
      if (found.length === 0) return { label, value: null };
      const values = found.map(({ value }) => value / perS).sort((a, b) => a - b);
      const isProjected = found.some(({ kind }) => kind === 'projected');
      return { label, value: percentile(values, 0.5), ...(isProjected ? { note: 'projected' } : {}) };
    }),
  }));
  const title = 'From nothing to the first answer, over 15 Mbit/s with 10 ms';
  const notes = [
    `Medians of ${repetitionsOf(samples)}. Machines are emulated (TCG), several times slower than with KVM. Naive: whole overlay, then`,
    'expanded, applied and resumed. Projected: from its bytes and its stages as measured.',
    describeMachine(),
  ];
  await writeFile(fileURLToPath(new URL('provision.svg', RESULTS)), barChart({ title, unit: 's', groups, notes }));
}

/** How often what is charted was measured, in words. */
function repetitionsOf(samples: readonly Sample[]): string {
  const charted = new Set<string>(BARS.map(({ figure, link }) => `${figure} ${link}`));
  const groups = Map.groupBy(samples, nameOf);
  const counts = [...groups.values()]
    .filter(([first]) => charted.has(`${first!.figure} ${first!.link}`))
    .map(({ length }) => length);
  const [least, most] = [Math.min(...counts), Math.max(...counts)];
  return `${least === most ? least : `${least} to ${most}`} ${most === 1 ? 'repetition' : 'repetitions'}`;
}

function nameOf({ application, link, figure }: Sample): string {
  return link === '-' ? `${application}_${figure}` : `${application}_${link}_${figure}`;
}

/** Of sorted values: the nearest rank. */
function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]!;
}

/** Bytes and the like are exact. */
function rounded(value: number): number {
  return Number.isInteger(value) ? value : Number(value.toPrecision(4));
}
