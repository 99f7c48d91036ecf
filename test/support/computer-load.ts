/**
 * How loaded the computer was while tests ran: on a computer that others use, or whose processors are stolen by its host, a failure may say more about it than about the code.
 */
import { readFileSync } from 'node:fs';
import { availableParallelism, loadavg } from 'node:os';

/** What the kernel has counted since it booted, ticks of all processors together. */
export interface ProcessorTicks {
  readonly total: number;
  readonly idle: number;
  readonly stolen: number;
}

/** Reads `/proc/stat`. Pure. */
export function processorTicks(text: string): ProcessorTicks {
  // cpu user nice system idle iowait irq softirq steal guest guest_nice; the last two are within the first.
  const fields = text.split('\n', 1)[0]!.split(/ +/).slice(1, 9).map(Number);
  return { total: fields.reduce((sum, each) => sum + each, 0), idle: fields[3]! + fields[4]!, stolen: fields[7]! };
}

const ticksNow = (): ProcessorTicks => processorTicks(readFileSync('/proc/stat', 'utf8'));

/** Watches from when it is made. */
export class ComputerLoad {
  readonly #ticks: () => ProcessorTicks;
  readonly #waiting: () => number;
  readonly #before: ProcessorTicks;
  readonly #atFirst: number;
  #most: number;

  /** `waiting`: threads that run or wait for a processor, of the last minute. */
  constructor(ticks = ticksNow, waiting = (): number => loadavg()[0]!) {
    this.#ticks = ticks;
    this.#waiting = waiting;
    this.#before = ticks();
    this.#atFirst = waiting();
    this.#most = this.#atFirst;
  }

  /** Takes note of how loaded it is now, and gives that. */
  look(): number {
    const now = this.#waiting();
    this.#most = Math.max(this.#most, now);
    return now;
  }

  /** One line for people. */
  text(processors = availableParallelism()): string {
    this.look();
    const { total, idle, stolen } = this.#ticks();
    const all = Math.max(1, total - this.#before.total);
    const share = (ticks: number) => `${Math.round((100 * ticks) / all)} %`;
    const busy = share(all - (idle - this.#before.idle));
    const stolenShare = share(stolen - this.#before.stolen);
    const loads = `load ${this.#atFirst.toFixed(1)} at first, ${this.#most.toFixed(1)} at most`;
    return `${processors} processors, ${busy} busy, ${stolenShare} stolen; ${loads}`;
  }
}
