import type { FunctionName, LogLine } from '../../guest-sdk/protocol/index.ts';
import { FunctionLog } from './function-log.ts';

/** The logs of all functions, each made when it is first written or read. */
export class FunctionLogs {
  readonly #limitBytes: number;
  readonly #logs = new Map<FunctionName, FunctionLog>();

  /** `limitBytes`: what is kept for each function. */
  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  of(name: FunctionName): FunctionLog {
    let log = this.#logs.get(name);
    if (log === undefined) {
      log = new FunctionLog(this.#limitBytes);
      this.#logs.set(name, log);
    }
    return log;
  }

  add(name: FunctionName, line: Omit<LogLine, 'at'>): void {
    this.of(name).add({ at: new Date().toISOString(), ...line });
  }

  /** Forgets a function's log and ends everyone who follows it. */
  remove(name: FunctionName): void {
    this.#logs.get(name)?.close();
    this.#logs.delete(name);
  }

  /** Ends everyone who follows any log. */
  close(): void {
    for (const log of this.#logs.values()) log.close();
  }
}
