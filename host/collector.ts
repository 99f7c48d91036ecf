import { setFlagsFromString } from 'node:v8';

/** What helps the collector of young objects on other threads. */
const HELP = ['parallel-scavenge', 'concurrent-array-buffer-sweeping'] as const;

/**
 * Has this process collect its young objects without other threads. There are few of them and it is done often: to wake helpers and to wait for them, who get a
 * processor when functions leave one, takes longer than to do it. Old objects are marked by helpers as ever.
 */
export function collectYoungAlone(): void {
  for (const name of HELP) setFlagsFromString(`--no-${name}`);
}
