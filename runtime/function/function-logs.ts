import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { FunctionName, LogLine } from '../../guest-sdk/protocol/index.ts';
import { isMissing } from '../store/index.ts';
import { FunctionLog } from './function-log.ts';
import { logFiles } from './log-files.ts';

/** Where logs are kept, and how much of them. */
export interface FunctionLogsOptions {
  /** Holds a directory for each function; made when it is needed. */
  readonly directory: string;
  /** What is kept for each function, in memory and on disk. */
  readonly limitBytes: number;
  /** Hears that lines cannot be stored, or removed. */
  readonly unkept: (sentence: string) => void;
}

/** How the logs of a data directory are opened. */
export interface OpenLogsOptions extends FunctionLogsOptions {
  readonly isFunction: (name: string) => boolean;
}

/** The logs of all functions, each read when it is first written to or read. */
export class FunctionLogs {
  readonly #options: FunctionLogsOptions;
  readonly #logs = new Map<FunctionName, FunctionLog>();
  /** Of functions that are granted another limit. */
  readonly #limits = new Map<FunctionName, number>();

  private constructor(options: FunctionLogsOptions) {
    this.#options = options;
  }

  /** Opens the logs, and removes those of what is no function any more: a host that was killed may have left them. */
  static open({ isFunction, ...options }: OpenLogsOptions): FunctionLogs {
    const logs = new FunctionLogs(options);
    for (const name of logs.#entries()) if (!isFunction(name)) logs.#erase(name);
    return logs;
  }

  of(name: FunctionName): FunctionLog {
    let log = this.#logs.get(name);
    if (log === undefined) {
      const { directory, unkept } = this.#options;
      const limitBytes = this.#limits.get(name) ?? this.#options.limitBytes;
      log = new FunctionLog({
        limitBytes,
        store: logFiles(join(directory, name), limitBytes),
        unkept: (reason) => unkept(`the log of "${name}" cannot be stored: ${reason}`),
      });
      this.#logs.set(name, log);
    }
    return log;
  }

  /** What is kept of a function from now on. */
  limit(name: FunctionName, limitBytes: number): void {
    if ((this.#limits.get(name) ?? this.#options.limitBytes) === limitBytes) return;
    this.#limits.set(name, limitBytes);
    const log = this.#logs.get(name);
    if (log !== undefined) log.limitBytes = limitBytes;
  }

  add(name: FunctionName, line: Omit<LogLine, 'at' | 'seq'>): void {
    this.of(name).add(line);
  }

  /** Forgets a function's log, also on disk, and ends everyone who follows it. */
  remove(name: FunctionName): void {
    this.#logs.get(name)?.discard();
    this.#logs.delete(name);
    this.#erase(name);
    this.#limits.delete(name);
  }

  /** Stores what is not stored and ends everyone who follows any log. */
  close(): void {
    for (const log of this.#logs.values()) log.close();
  }

  #entries(): string[] {
    try {
      return readdirSync(this.#options.directory);
    } catch (error) {
      if (!isMissing(error)) this.#options.unkept(`the logs of functions cannot be read: ${(error as Error).message}`);
      return [];
    }
  }

  /** What cannot be removed is told and tried again at the next start: nothing else may fail for it. */
  #erase(name: string): void {
    try {
      rmSync(join(this.#options.directory, name), { recursive: true, force: true });
    } catch (error) {
      this.#options.unkept(`the log of "${name}" cannot be removed: ${(error as Error).message}`);
    }
  }
}
