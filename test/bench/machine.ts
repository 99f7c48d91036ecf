import { cpus, release, totalmem } from 'node:os';

/** The machine in one line: processor, cores, memory, kernel, Node. */
export function describeMachine(): string {
  const cores = cpus();
  const memory = Math.round(totalmem() / 2 ** 30);
  return `${cores[0]?.model.trim() ?? 'unknown processor'}, ${cores.length} cores, ${memory} GiB, Linux ${release()}, Node ${process.version}`;
}
