import { ensureImageApart } from '../../runtime/image/index.ts';
import { bootMachine } from '../../runtime/machine/index.ts';
import { TEST_CACHE, testShape } from '../support/microvm-lab.ts';
import { median } from './cloudlet-under-test.ts';
import type { Benchmark } from './run.ts';

const RUNS = 7;

const benchmark: Benchmark = {
  title: 'a microVM from nothing to the first word of its agent',
  async run(say) {
    const shape = await testShape();
    const image = await ensureImageApart({ cacheDir: TEST_CACHE });
    const times: number[] = [];
    // The first one reads the image from the disk.
    for (let run = 0; run < RUNS + 1; run++) {
      const started = performance.now();
      const machine = await bootMachine({ id: `boot-${run}`, image, shape, bootMs: 90_000 });
      if (run > 0) times.push(performance.now() - started);
      await machine.close();
    }
    say(`${RUNS} boots: ${times.map((time) => time.toFixed(0)).join(' ')} ms`);
    const figures = { boot_ms: Math.round(median(times)), boot_best_ms: Math.round(Math.min(...times)) };
    const notes = ['One boot after the other, on an image that was found and checked before.'];
    return { accelerator: shape.accelerator.kind, figures, notes };
  },
};

export default benchmark;
