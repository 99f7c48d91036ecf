import { refused } from '../binary/byte-reader.ts';

/** Core instances of one component: each costs the agent memory of its own, however small its module. */
const MAX_CORE_INSTANCES = 1000;

/**
 * How often the glue instantiates each core module, by file name. A component says so once and for all, so what its instances take
 * together is known before it runs. Refuses a component with too many.
 */
export function coreInstances(glue: string): ReadonlyMap<string, number> {
  const files = new Map<string, string>();
  for (const [, variable, file] of glue.matchAll(/\b(module\d+) = getCoreModule\('([^']*)'\)/g)) {
    files.set(variable!, file!);
  }
  const counts = new Map<string, number>();
  let all = 0;
  for (const [, variable] of glue.matchAll(/\binstantiateCore\((?:yield |await )?(module\d+)\b/g)) {
    const file = files.get(variable!) ?? '';
    counts.set(file, (counts.get(file) ?? 0) + 1);
    all += 1;
  }
  if (all <= MAX_CORE_INSTANCES) return counts;
  throw refused(`expected a component of at most ${MAX_CORE_INSTANCES} instances of core modules, got ${all}`);
}
