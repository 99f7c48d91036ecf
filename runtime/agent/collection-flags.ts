import { setFlagsFromString } from 'node:v8';

/**
 * How V8 collects in an agent. An entry into a guest leaves some hundred bytes among the old objects of its worker, where little else becomes garbage: these may grow to five times
 * the 8 MiB that live, as far as a worker's heap allows, so that they are looked through every few seconds and not every second. What is young is collected while they are marked, too:
 * else all that is made meanwhile becomes old.
 */
const FLAGS = ['--heap-growing-percent=400', '--no-separate-gc-phases'];

/** Has all threads of this process collect so, also those that run. */
export function collectSeldom(): void {
  for (const flag of FLAGS) setFlagsFromString(flag);
}
