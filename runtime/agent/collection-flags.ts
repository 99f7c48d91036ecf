import { setFlagsFromString } from 'node:v8';

/**
 * How V8 collects in an agent. An entry into a guest leaves some hundred bytes among the old objects of its worker, where little else becomes garbage: these may grow to five times
 * what lives, 8 MiB, as far as a worker's heap allows, so that all of them are looked through every few seconds and not every second. And what is young is collected while they are marked, too: else all that is
 * made meanwhile becomes old.
 */
const FLAGS = ['--heap-growing-percent=400', '--no-separate-gc-phases'];

/** Has all threads of this process collect so, also those that run. */
export function collectSeldom(): void {
  for (const flag of FLAGS) setFlagsFromString(flag);
}
