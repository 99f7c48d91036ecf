import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { type BarGroup, barChart } from '../bar-chart.ts';
import { describeMachine } from '../machine.ts';
import { APPLICATIONS, type Application } from './applications.ts';
import {
  mergedResults,
  nameOf,
  parseResults,
  percentile,
  resultsText,
  rounded,
  type Sample,
  sortedValues,
} from './kept-results.ts';
import type { KeptSteps } from './kept-steps.ts';

const RESULTS = new URL('../results/', import.meta.url);

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
  readonly #taken = new Set<string>();

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
    this.#taken.add(step);
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
    return Object.fromEntries(
      [...Map.groupBy(this.all, nameOf)].flatMap(([name, samples]) => {
        const values = sortedValues(samples);
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

  /**
   * Measures, and keeps the samples beside the benchmark in the place of earlier ones; draws the chart of all that is kept. What was `chosen` and not measured,
   * because the time was over, stays as it was kept, and the steps that were go on to be known.
   */
  async kept(bench: string, chosen: readonly Application[], measure: () => Promise<void>): Promise<void> {
    let over: unknown = null;
    try {
      await measure();
    } catch (error) {
      if (!(error instanceof Unfinished)) throw error;
      over = error;
    }
    const path = new URL(`${bench}.csv`, RESULTS);
    const before = parseResults(await readFile(path, 'utf8').catch(() => ''));
    const now = { machines: [describeMachine()], samples: this.all };
    const complete = new Set(over === null ? chosen.map(({ name }) => name) : []);
    await mkdir(RESULTS, { recursive: true });
    await writeFile(path, resultsText(mergedResults(before, now, complete)));
    await drawChart();
    if (over !== null) throw over;
    await this.#steps?.kept.forget(this.#taken);
  }
}

/** Adds a sample of a step. */
export type AddSample = (figure: string, value: number, link?: string, kind?: Sample['kind']) => void;

/** Reads what runs of a benchmark kept; nothing when there were none. */
async function keptSamples(bench: string): Promise<readonly Sample[]> {
  return parseResults(await readFile(new URL(`${bench}.csv`, RESULTS), 'utf8').catch(() => '')).samples;
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
  const samples = [...(await keptSamples('synthesis')), ...(await keptSamples('provision'))];
  const groups: BarGroup[] = APPLICATIONS.map(({ name, title }) => ({
    title,
    bars: BARS.map(({ label, figure, link, perS }) => {
      const found = samples.filter((each) => each.application === name && each.figure === figure && each.link === link);
      if (found.length === 0) return { label, value: null };
      const values = sortedValues(found).map((value) => value / perS);
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
