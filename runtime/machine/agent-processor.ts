import type { Accelerator } from './accelerator.ts';

/**
 * What an emulated processor does not offer: fast string instructions. Where a C library or a kernel finds them it copies and clears by `rep movsb`
 * and `rep stosb`, which QEMU emulates byte by byte; without, by 32 bytes at a time.
 */
const WITHOUT_STRINGS = 'erms=off,fsrm=off';

/** QEMU's words for the processor of a machine with an agent. A service VM has all that its accelerator has: what was saved of those names that. Pure. */
export function agentProcessor({ kind, cpu }: Accelerator): string {
  return kind === 'tcg' ? `${cpu},${WITHOUT_STRINGS}` : cpu;
}
