import type { LogLine } from '../../../guest-sdk/protocol/index.ts';
import { printable } from './printable.ts';

/** The text of a line of a function's log for a terminal; before a message of `wasi:logging` stand its level and its context. */
export function logText({ text, entry }: Pick<LogLine, 'text' | 'entry'>): string {
  const shown = printable(text.trimEnd());
  if (entry === undefined) return shown;
  return entry.context === '' ? `${entry.level}: ${shown}` : `${entry.level} ${printable(entry.context)}: ${shown}`;
}
