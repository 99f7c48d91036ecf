import { chooseAccelerator } from '../../runtime/machine/index.ts';
import { bootTestMachine, TEST_CACHE } from '../support/microvm-lab.ts';
import { median } from './cloudlet-under-test.ts';
import type { Benchmark } from './run.ts';

const RUNS = 7;

const benchmark: Benchmark = {
  title: 'a microVM from nothing to the first word of its agent',
  async run(say) {
    const accelerator = await chooseAccelerator({ cacheDir: TEST_CACHE, choice: 'auto' });
    const times: number[] = [];
    // The first one may have to build the base image.
    for (let run = 0; run < RUNS + 1; run++) {
      const started = performance.now();
      const machine = await bootTestMachine();
      if (run > 0) times.push(performance.now() - started);
      await machine.close();
    }
    say(`${RUNS} boots: ${times.map((time) => time.toFixed(0)).join(' ')} ms`);
    const figures = { boot_ms: Math.round(median(times)), boot_best_ms: Math.round(Math.min(...times)) };
    const notes = ['One boot after the other, the check of the base image included (a few hundred milliseconds).'];
    return { accelerator: accelerator.kind, figures, notes };
  },
};

export default benchmark;
