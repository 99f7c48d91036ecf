import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** What helps the collector of young objects on other threads. */
const HELP = ['parallel-scavenge', 'concurrent-array-buffer-sweeping'] as const;

/**
 * Has this process collect its young objects without other threads. There are few of them and it is done often: to wake helpers and to wait for them, who get a
 * processor when functions leave one, takes longer than to do it. Who marks old objects is said on the command line: `setup/host-flags.mjs`.
 */
export function collectYoungAlone(): void {
  for (const name of HELP) setFlagsFromString(`--no-${name}`);
}

/** Frees what this process needed to begin, and gives the system the pages that V8 would keep for more. Takes a tenth of a second, in which nothing else is done. */
export function collectBeginning(): void {
  // The flag is not given on the command line: it would put `gc` within the reach of all.
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as (options: { readonly type: 'major'; readonly flavor: 'last-resort' }) => void;
  gc({ type: 'major', flavor: 'last-resort' });
  setFlagsFromString('--no-expose-gc');
}
