import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeBindingValue } from '../../guest-sdk/protocol/index.ts';
import type { InvokeRequest } from '../../runtime/agent/wire.ts';
import { guest } from '../support/guest.ts';
import { wat } from '../support/wat.ts';
import { median } from './cloudlet-under-test.ts';
import { type Harness, sandboxHarness, threadHarness } from './invocation-harness.ts';
import type { Benchmark } from './run.ts';

/** Turns, in each of which every case is measured with limits and without, one after the other. */
const TURNS = 21;
const WARMUP_MS = 2000;
const SLICE_MS = 50;

/** A loop with nothing in it but what a charge is for: no real program is as dear. */
const TIGHT_LOOP = `(component
  (core module $m
    (func (export "sum") (param i32) (result i32)
      (local $sum i32)
      (loop $on
        (local.set $sum (i32.add (i32.mul (local.get $sum) (i32.const 31)) (local.get 0)))
        (br_if $on (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
      (local.get $sum)))
  (core instance $i (instantiate $m))
  (func (export "sum") (param "rounds" u32) (result u32) (canon lift (core func $i "sum"))))`;

interface Case {
  readonly figure: string;
  /** Beside the http and typed ones, whose median is judged. */
  readonly isLoop?: boolean;
  readonly component: () => Promise<Uint8Array>;
  readonly request: InvokeRequest;
  readonly input: Uint8Array;
}

const http = (path: string): Pick<Case, 'request' | 'input'> => ({
  request: { door: 'http', method: 'GET', scheme: 'http', authority: 'localhost', path, headers: [] },
  input: new Uint8Array(0),
});
const typed = (target: string, ...args: unknown[]): Pick<Case, 'request' | 'input'> => ({
  request: { door: 'call', target },
  input: writeBindingValue(args),
});
const built = (name: string) => async () => readFile(await guest(name));

const CASES: readonly Case[] = [
  { figure: 'http_c_hello', component: built('http-c'), ...http('/') },
  { figure: 'http_c_json', component: built('http-c'), ...http('/json') },
  { figure: 'http_quickjs_hello', component: built('http-quickjs'), ...http('/') },
  { figure: 'http_quickjs_json', component: built('http-quickjs'), ...http('/json') },
  { figure: 'typed_add', component: built('typed'), ...typed('add', 2, 40) },
  { figure: 'typed_greet', component: built('typed'), ...typed('greet', 'Ada') },
  { figure: 'typed_echo_1k', component: built('typed'), ...typed('echo', new Uint8Array(1024)) },
  { figure: 'typed_echo_1m', component: built('typed'), ...typed('echo', new Uint8Array(1024 * 1024)) },
  { figure: 'loop_tight', isLoop: true, component: () => wat(TIGHT_LOOP), ...typed('sum', 3_000_000) },
];

/** Invocations in a second of processor time, over a while. */
async function rate({ run, usedMs }: Harness, { request, input }: Case, ms: number): Promise<number> {
  const usedBefore = usedMs();
  const beganAt = performance.now();
  let count = 0;
  do {
    await run(request, input);
    count += 1;
  } while (performance.now() - beganAt < ms);
  return (count * 1000) / (usedMs() - usedBefore);
}

interface Cost {
  readonly onPerS: number;
  readonly offPerS: number;
  /** Share of throughput that limits cost. */
  readonly percent: number;
}

/** What limits cost one case. Each of the two goes first as often as second: what one leaves to the other evens out. */
async function costOf(each: Case, [on, off]: readonly [Harness, Harness]): Promise<Cost> {
  try {
    for (const one of [on, off]) await rate(one, each, WARMUP_MS);
    const rates: { on: number; off: number }[] = [];
    for (let turn = 0; turn < TURNS; turn += 1) {
      const [first, second] = turn % 2 === 0 ? [on, off] : [off, on];
      const [a, b] = [await rate(first, each, SLICE_MS), await rate(second, each, SLICE_MS)];
      rates.push(turn % 2 === 0 ? { on: a, off: b } : { on: b, off: a });
    }
    return {
      onPerS: median(rates.map((pair) => pair.on)),
      offPerS: median(rates.map((pair) => pair.off)),
      percent: median(rates.map((pair) => (1 - pair.on / pair.off) * 100)),
    };
  } finally {
    await on.close();
    await off.close();
  }
}

const rounded = (value: number) => Number(value.toPrecision(3));

const benchmark: Benchmark = {
  title: 'what metering and limits cost: the same invocations with and without',
  async run(say) {
    const scratch = await mkdtemp(join(tmpdir(), 'cloudlet-bench-'));
    try {
      const figures: Record<string, number> = {};
      const inSandbox: number[] = [];
      const inThread: number[] = [];
      for (const each of CASES) {
        const component = await each.component();
        const alone = await costOf(each, [
          await threadHarness(component, true, scratch),
          await threadHarness(component, false, scratch),
        ]);
        inThread.push(alone.percent);
        figures[`${each.figure}_alone_cost_percent`] = rounded(alone.percent);
        const { onPerS, offPerS, percent } = await costOf(each, [
          await sandboxHarness(component, true),
          await sandboxHarness(component, false),
        ]);
        if (each.isLoop !== true) inSandbox.push(percent);
        figures[`${each.figure}_on_per_s`] = rounded(onPerS);
        figures[`${each.figure}_off_per_s`] = rounded(offPerS);
        figures[`${each.figure}_cost_percent`] = rounded(percent);
        say(`${each.figure}: ${percent.toFixed(1)} % of throughput in a sandbox, ${alone.percent.toFixed(1)} % alone`);
      }
      return {
        accelerator: 'none',
        figures: {
          limits_cost_percent_median: rounded(median(inSandbox)),
          limits_cost_percent_worst: rounded(Math.max(...inThread)),
          limits_alone_cost_percent_median: rounded(median(inThread)),
          ...figures,
        },
        notes: [
          'Rates are of one second of processor time, of all who have a part in it. Cost is the share of throughput that is lost, the median over turns of pairs that follow each other.',
          'The first median is over the http and typed cases in a process sandbox, without HTTP around it, over which the same cost is a smaller share. "Alone" is in one thread and without a channel; the worst is the dearest of these.',
          'With limits: fuel in all code, processor time, and alone also a budget of what is lifted. Without them all else is the same, also that instances are made as new.',
        ],
      };
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
  },
};

export default benchmark;
