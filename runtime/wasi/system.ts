import type { WasiClock } from './backend.ts';

/** Longest delay that `setTimeout` keeps; a longer one would fire at once. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** The clock of the program that runs the guest. */
export const systemClock: WasiClock = {
  wallMs: () => Date.now(),
  monotonicNs: () => BigInt(Math.round(performance.now() * 1e6)),
  timer(ns, fire) {
    const ms = ns > BigInt(MAX_TIMEOUT_MS) * 1_000_000n ? MAX_TIMEOUT_MS : Math.ceil(Number(ns) / 1e6);
    const timer = setTimeout(fire, ms);
    return () => clearTimeout(timer);
  },
};

/** Random bytes of the platform's cryptographic generator. After a restore from a snapshot it may repeat: an agent reads the kernel's instead. */
export function webRandom(bytes: Uint8Array): void {
  crypto.getRandomValues(bytes as Uint8Array<ArrayBuffer>);
}
