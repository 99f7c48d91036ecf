/**
 * Benchmarks: `npm run bench` lists and runs all, `npm run bench -- invoke` one, `--json` prints one JSON document a benchmark.
 * Each prints its rows, its peers measured in the same run, and the machine.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { hostEnvironment, hostFlags } from '../../host/setup/host-flags.mjs';
import { describeMachine } from './machine.ts';
import { Misuse } from './misuse.ts';
import { FAULTS, type Fault } from './soak-faults.ts';
import { Unfinished } from './synthesis/measured.ts';

/** What a benchmark module exports. */
export interface Benchmark {
  /** One line for people. */
  readonly title: string;
  /** Whether the cloudlet runs in the benchmark's own process, which is then started as a host is. */
  readonly asHost?: true;
  /** Measures; `say` reports progress. Figures carry their unit in their name. `options` are for those that say so in their title. */
  run(say: (line: string) => void, options: BenchmarkOptions): Promise<BenchmarkResult>;
}

/** How long a benchmark goes on, where that can be chosen. */
export interface BenchmarkOptions {
  /** `--calls N` */
  readonly calls?: number;
  /** `--application NAME`: one of those that it measures, alone. */
  readonly application?: string;
  /** `--repetitions N` of each measurement that repeats. */
  readonly repetitions?: number;
  /** `--sandbox process|microvm`: that kind alone. */
  readonly sandbox?: 'process' | 'microvm';
  /** `--fault kill|stop|kill-any|full-disk`: that kind alone. */
  readonly fault?: Fault;
  /** `--minutes N`: after these nothing more is begun; the next run goes on there. */
  readonly minutes?: number;
}

export interface BenchmarkResult {
  /** What machines ran under: `kvm`, `tcg`, or `none` when the benchmark starts no machine. */
  readonly accelerator: string;
  readonly figures: Readonly<Record<string, number | null>>;
  /** What a reader must know to read the figures, one sentence each. */
  readonly notes: readonly string[];
}

const { values, positionals } = words();
const known = readdirSync(fileURLToPath(new URL('.', import.meta.url)))
  .filter((file) => file.endsWith('.bench.ts'))
  .map((file) => file.replace('.bench.ts', ''));
const unknown = positionals.filter((name) => !known.includes(name));
if (unknown.length > 0) {
  process.stderr.write(`expected one of ${known.join(', ')}, got ${unknown.join(', ')}\n`);
  process.exit(2);
}

const numbers = { calls: values.calls, repetitions: values.repetitions, minutes: values.minutes };
const counts = Object.fromEntries(
  Object.entries(numbers).flatMap(([key, text]) => (text === undefined ? [] : [[key, Number(text)]])),
);
for (const [key, value] of Object.entries(counts)) {
  if (Number.isFinite(value) && value >= 1) continue;
  process.stderr.write(`expected a number of at least 1 for --${key}, got ${value}\n`);
  process.exit(2);
}

const { application, sandbox } = values;
const fault = FAULTS.find((known) => known === values.fault);
if (fault !== values.fault) {
  process.stderr.write(`expected --fault ${FAULTS.join(', ')}, got ${values.fault}\n`);
  process.exit(2);
}
if (sandbox !== undefined && sandbox !== 'process' && sandbox !== 'microvm') {
  process.stderr.write(`expected --sandbox process or microvm, got ${sandbox}\n`);
  process.exit(2);
}
const options: BenchmarkOptions = {
  ...counts,
  ...(application !== undefined && { application }),
  ...(sandbox !== undefined && { sandbox }),
  ...(fault !== undefined && { fault }),
};

for (const name of positionals.length > 0 ? positionals : known) {
  const benchmark = ((await import(`./${name}.bench.ts`)) as { default: Benchmark }).default;
  if (values.application !== undefined && !benchmark.title.includes('--application')) {
    process.stderr.write(`expected --application with a benchmark that says so, such as package, got ${name}\n`);
    process.exit(2);
  }
  if (benchmark.asHost === true && !hostFlags().every((flag) => process.execArgv.includes(flag))) {
    const flags = Object.entries(values).flatMap(([flag, value]) =>
      value === true ? [`--${flag}`] : value === false ? [] : [`--${flag}`, value],
    );
    const words = [...process.execArgv, ...hostFlags(), fileURLToPath(import.meta.url), name, ...flags];
    const env = { ...hostEnvironment(), ...process.env };
    const { status } = spawnSync(process.execPath, words, { stdio: 'inherit', env });
    if (status !== 0) process.exitCode = status ?? 1;
    continue;
  }
  process.stderr.write(`${name}: ${benchmark.title}\n`);
  const say = (line: string): void => void process.stderr.write(`  ${line}\n`);
  let result: BenchmarkResult;
  try {
    result = await benchmark.run(say, options);
  } catch (error) {
    if (!(error instanceof Unfinished || error instanceof Misuse)) throw error;
    process.stderr.write(`${name}: ${error.message}\n`);
    process.exitCode = error instanceof Misuse ? 2 : 1;
    continue;
  }
  const machine = describeMachine();
  if (values.json) {
    process.stdout.write(`${JSON.stringify({ bench: name, machine, ...result })}\n`);
    continue;
  }
  const width = Math.max(...Object.keys(result.figures).map((figure) => figure.length));
  for (const [figure, value] of Object.entries(result.figures)) {
    process.stdout.write(`${figure.padEnd(width)}  ${value === null ? 'not measured' : value}\n`);
  }
  process.stdout.write(`accelerator ${result.accelerator}; ${machine}\n`);
  for (const note of result.notes) process.stdout.write(`- ${note}\n`);
}

/** What was asked for; a flag that there is not is one sentence. */
function words() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        json: { type: 'boolean', default: false },
        calls: { type: 'string' },
        application: { type: 'string' },
        sandbox: { type: 'string' },
        fault: { type: 'string' },
        repetitions: { type: 'string' },
        minutes: { type: 'string' },
      },
    });
  } catch (error) {
    process.stderr.write(`expected flags of a benchmark: ${(error as Error).message}\n`);
    process.exit(2);
  }
}
