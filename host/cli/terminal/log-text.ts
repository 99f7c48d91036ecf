import type { LogLine } from '../../../guest-sdk/protocol/index.ts';
import { printable } from './printable.ts';

/**
 * A line of a function's log as lines of a terminal. Each has the same beginning: a guest that writes line breaks into its message cannot write
 * lines that look like the host's.
 */
export function logLines(line: LogLine): string[] {
  const start = `${line.at} ${line.invocation || '-'} ${line.stream} `;
  return logText(line)
    .split('\n')
    .map((text) => start + text);
}

/** The text of a line of a function's log for a terminal; before a message of `wasi:logging` stand its level and its context. */
export function logText({ text, entry }: Pick<LogLine, 'text' | 'entry'>): string {
  const shown = printable(text.trimEnd());
  if (entry === undefined) return shown;
  return entry.context === '' ? `${entry.level}: ${shown}` : `${entry.level} ${printable(entry.context)}: ${shown}`;
}
