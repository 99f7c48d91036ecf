/**
 * Long fuzzing by hand: `npm run fuzz -- NAME --seconds 60 --seed 7`. Without a name it runs every target.
 * A target is `test/fuzz/NAME.fuzz.ts`, whose default export takes a seeded random source and throws when a promise is broken.
 * The test suite runs the same targets for a moment each.
 */
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { SeededRandom } from '../support/random.ts';

/** One round of fuzzing. */
export type FuzzTarget = (random: SeededRandom) => void | Promise<void>;

/** The names of all targets. */
export function fuzzTargets(): string[] {
  return readdirSync(fileURLToPath(new URL('.', import.meta.url)))
    .filter((file) => file.endsWith('.fuzz.ts'))
    .map((file) => file.replace('.fuzz.ts', ''))
    .sort();
}

/** Runs one target for some time; every round has a seed of its own, which the error names. Gives the number of rounds. */
export async function fuzz(name: string, seconds: number, seed: number): Promise<number> {
  const target = ((await import(`./${name}.fuzz.ts`)) as { default: FuzzTarget }).default;
  const until = performance.now() + seconds * 1000;
  let rounds = 0;
  do {
    const roundSeed = (seed + rounds) >>> 0;
    try {
      await target(new SeededRandom(roundSeed));
    } catch (error) {
      throw new Error(`${name} broke its promise; repeat with --seed ${roundSeed} --seconds 0`, { cause: error });
    }
    rounds++;
  } while (performance.now() < until);
  return rounds;
}

if (import.meta.main) {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      seconds: { type: 'string', default: '60' },
      seed: { type: 'string', default: String(Date.now() >>> 0) },
    },
  });
  const unknown = positionals.filter((name) => !fuzzTargets().includes(name));
  if (unknown.length > 0) {
    process.stderr.write(`expected one of ${fuzzTargets().join(', ')}, got ${unknown.join(', ')}\n`);
    process.exit(2);
  }
  for (const name of positionals.length > 0 ? positionals : fuzzTargets()) {
    process.stdout.write(`${name}: seed ${values.seed}\n`);
    const rounds = await fuzz(name, Number(values.seconds), Number(values.seed));
    process.stdout.write(`${name}: ${rounds} rounds, nothing found\n`);
  }
}
