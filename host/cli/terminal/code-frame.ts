import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { printable } from './printable.ts';

/** Lines shown before and after the one that is meant. */
const AROUND = 2;
const MAX_BYTES = 1024 * 1024;

/**
 * The lines around the first position (`src/f.ts:7:11`) of a text that is in a file of `folder`, with a mark below the column; null when
 * there is none, or the text shows lines itself.
 */
export function codeFrame(text: string, folder: string): string | null {
  if (/^\s*\d* ?[│|] /m.test(text)) return null;
  for (const [, file = '', line = '', column] of text.matchAll(/([\w@./-]+\.[a-z+]{1,4}):(\d{1,6})(?::(\d{1,6}))?/g)) {
    const lines = linesOf(resolve(folder, file), folder);
    const at = Number(line) - 1;
    if (lines === null || lines[at] === undefined) continue;
    const from = Math.max(0, at - AROUND);
    const width = String(at + AROUND + 1).length;
    const shown = lines.slice(from, at + AROUND + 1).flatMap((code, index) => {
      const number = from + index;
      const row = `${number === at ? '>' : ' '} ${String(number + 1).padStart(width)} │ ${printable(code)}`;
      const mark = `  ${' '.repeat(width)} │ ${' '.repeat(Math.max(0, Number(column ?? 1) - 1))}^`;
      return number === at && column !== undefined ? [row, mark] : [row];
    });
    return [`${file}:${line}${column === undefined ? '' : `:${column}`}`, ...shown].join('\n');
  }
  return null;
}

function linesOf(path: string, folder: string): string[] | null {
  if (!path.startsWith(`${resolve(folder)}/`)) return null;
  try {
    const bytes = readFileSync(path);
    return bytes.length > MAX_BYTES ? null : bytes.toString('utf8').split('\n');
  } catch {
    // It names no file here: a library's, or another machine's.
    return null;
  }
}
