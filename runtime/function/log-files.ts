import { appendFileSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { LogLine } from '../../guest-sdk/protocol/index.ts';
import { isMissing } from '../store/index.ts';
import type { LogStore } from './function-log.ts';

/** Files of one log: when the newest is full, the oldest goes. */
export const LOG_FILES = 4;

/** Named by the number of their first line, of as many digits always, so that their names sort as they do. */
const NAME = /^\d{16}\.jsonl$/;

/**
 * The lines of one log in a directory of its own, as JSON, one a line, in files that are never changed but at their end. All together
 * have at most `limitBytes` bytes. What a killed host left half-written at an end is passed over.
 */
export function logFiles(directory: string, limitBytes: number): LogStore {
  const fileBytes = Math.floor(limitBytes / LOG_FILES);
  /** The newest file; null until one is known. */
  let newest: { readonly path: string; bytes: number } | null = null;

  const names = (): string[] =>
    listed(directory)
      .filter((name) => NAME.test(name))
      .sort();

  const rotate = (firstSeq: number): { readonly path: string; bytes: number } => {
    const old = names();
    if (old.length === 0) mkdirSync(directory, { recursive: true, mode: 0o700 });
    for (const name of old.slice(0, Math.max(0, old.length - LOG_FILES + 1)))
      rmSync(join(directory, name), { force: true });
    newest = { path: join(directory, `${String(firstSeq).padStart(16, '0')}.jsonl`), bytes: 0 };
    return newest;
  };

  const appendAll = (lines: readonly LogLine[]): void => {
    let batch = '';
    let file = newest ?? rotate(lines[0]!.seq);
    const write = (): void => appendFileSync(file.path, batch, { mode: 0o600 });
    for (const line of lines) {
      const text = lineText(line, fileBytes);
      const bytes = Buffer.byteLength(text);
      if (file.bytes > 0 && file.bytes + bytes > fileBytes) {
        if (batch !== '') write();
        batch = '';
        file = rotate(line.seq);
      }
      batch += text;
      file.bytes += bytes;
    }
    write();
  };

  return {
    load: () => {
      const texts = names().map(
        (name) => [join(directory, name), readFileSync(join(directory, name), 'utf8')] as const,
      );
      const last = texts.at(-1);
      if (last !== undefined) {
        const [path, text] = last;
        // A line that begins behind half of another would be lost with it.
        const isTorn = text !== '' && !text.endsWith('\n');
        if (isTorn) appendFileSync(path, '\n');
        newest = { path, bytes: Buffer.byteLength(text) + (isTorn ? 1 : 0) };
      }
      return texts.flatMap(([, text]) => parseLines(text));
    },
    append: (lines) => {
      try {
        appendAll(lines);
      } catch (error) {
        // What was written of the batch may end in half a line: what follows goes into another file.
        newest = null;
        throw error;
      }
    },
  };
}

/** A line as it is stored; JSON may be six times as long as what it tells of, and must fit into a file. */
function lineText(line: LogLine, maxBytes: number): string {
  const whole = `${JSON.stringify(line)}\n`;
  if (Buffer.byteLength(whole) <= maxBytes) return whole;
  const { seq, at, version, invocation, stream, entry } = line;
  const text = `${line.text.slice(0, Math.max(0, Math.floor((maxBytes - 900) / 6)))}… (cut)`;
  const cut = { seq, at, version, invocation, stream, text };
  if (entry === undefined) return `${JSON.stringify(cut)}\n`;
  return `${JSON.stringify({ ...cut, entry: { ...entry, context: entry.context.slice(0, 64) } })}\n`;
}

function parseLines(text: string): LogLine[] {
  return text.split('\n').flatMap((one) => {
    const line = v.safeParse(v.pipe(v.string(), v.parseJson(), LogLine), one);
    return line.success ? [line.output] : [];
  });
}

function listed(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}
