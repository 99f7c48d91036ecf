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

type Collector = (options: { readonly type: 'major' | 'minor'; readonly flavor?: 'last-resort' }) => void;

/** V8's own collector. The flag is not given on the command line: it would put `gc` within the reach of all. */
function collector(): Collector {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as Collector;
  setFlagsFromString('--no-expose-gc');
  return gc;
}

/** Frees what this process needed to begin, and gives the system the pages that V8 would keep for more. Takes a tenth of a second, in which nothing else is done. */
export function collectBeginning(): void {
  collector()({ type: 'major', flavor: 'last-resort' });
}

/** Bytes of streamed bodies that may have passed before they are freed. */
const PASSED_BYTES = 4 * 1024 * 1024;

let passed = 0;
let kept: Collector | null = null;

/**
 * Says that as many bytes of a body that streams have come or gone. A piece of one is a small young object that holds 64 KiB outside of the heap: left to itself,
 * V8 finds its young objects few, waits until 64 MiB lie outside, and then collects all there is. A collection of the young ones alone takes a millisecond at most.
 */
export function passBody(bytes: number): void {
  passed += bytes;
  if (passed < PASSED_BYTES) return;
  passed = 0;
  kept ??= collector();
  kept({ type: 'minor' });
}
