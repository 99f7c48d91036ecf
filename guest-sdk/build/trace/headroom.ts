import { LIMITS, type LimitName } from '../../protocol/index.ts';

const MIB = 1024 ** 2;

/** The smallest power of two that is not below a number. */
function powerAbove(amount: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(1, amount)));
}

/** Bytes of a store or of scratch for the most that was seen: the next power of two over twice that, at least 1 MiB. */
export function bytesFor(most: number): number {
  return Math.max(MIB, powerAbove(2 * most));
}

/** How much longer an invocation may take than the longest that was seen: a host that emulates its machines is several times slower. */
const TIMES_SLOWER = 10;

/**
 * Limits for the most that was seen, where the default is too little: memory the next power of two over twice the peak, times that of seconds
 * over ten times the longest. One that the project names and that suffices stays.
 */
export function limitsFor(
  most: { readonly memoryBytes: number; readonly wallMs: number; readonly cpuMs: number; readonly atOnce: number },
  named: Readonly<Partial<Record<LimitName, number | undefined>>>,
): Partial<Record<LimitName, number>> {
  const needed: Partial<Record<LimitName, number>> = {
    memoryMib: powerAbove((2 * most.memoryBytes) / MIB),
    deadlineMs: powerAbove((TIMES_SLOWER * most.wallMs) / 1000) * 1000,
    cpuMs: powerAbove((TIMES_SLOWER * most.cpuMs) / 1000) * 1000,
  };
  const limits = Object.fromEntries(Object.entries(named).filter(([, value]) => value !== undefined)) as Partial<
    Record<LimitName, number>
  >;
  for (const [key, amount] of Object.entries(needed)) {
    const name = key as LimitName;
    const present = limits[name] ?? LIMITS[name].default;
    if (amount > present) limits[name] = Math.min(amount, LIMITS[name].ceiling);
  }
  return limits;
}
