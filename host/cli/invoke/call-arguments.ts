import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import type { ExportInfo } from '../../../guest-sdk/protocol/index.ts';
import { UsageError } from '../usage-error.ts';

/**
 * The arguments of a typed call from the words of a command line: one JSON value a word, or `@FILE` for what is in a file, which
 * gives its bytes to a `list<u8>` and JSON to anything else. `input` is a JSON array of all arguments instead.
 */
export async function readArguments(
  target: ExportInfo,
  words: readonly string[],
  input: string | undefined,
): Promise<unknown[]> {
  if (input !== undefined) {
    if (words.length > 0) throw new UsageError('expected the arguments either as words or with --input, got both');
    const value = parseValue(await fileText(input), input);
    if (Array.isArray(value)) return value;
    throw new UsageError(`expected a JSON array of all arguments in ${input}`);
  }
  if (words.length !== target.params.length) {
    const wanted = target.params.length === 1 ? '1 argument' : `${target.params.length} arguments`;
    throw new UsageError(`expected ${wanted} for ${target.signature}, got ${words.length}`);
  }
  return Promise.all(words.map((word, i) => readArgument(word, target.params[i]!)));
}

async function readArgument(word: string, param: ExportInfo['params'][number]): Promise<unknown> {
  if (!word.startsWith('@')) return parseValue(word, param.name);
  const path = word.slice(1);
  if (param.type === 'list<u8>') return (await fileBytes(path)).toString('base64');
  return parseValue(await fileText(path), path);
}

/** JSON, in which integers that a number cannot hold stay whole: as decimal strings, which 64-bit parameters take. */
export function parseValue(text: string, where: string): unknown {
  try {
    return JSON.parse(text, (_, value: unknown, context?: { readonly source?: string }) => {
      const source = context?.source ?? '';
      return typeof value === 'number' && !Number.isSafeInteger(value) && /^-?\d+$/.test(source) ? source : value;
    });
  } catch (error) {
    const got = text.length > 60 ? `${text.slice(0, 60)}…` : text;
    throw new UsageError(`expected JSON for ${where}, got ${got}; text is written '"text"', a file @FILE`, {
      cause: error,
    });
  }
}

async function fileText(path: string): Promise<string> {
  return (await fileBytes(path)).toString('utf8');
}

/** A file's bytes; `-` is stdin. `UsageError` when it cannot be read. */
export async function fileBytes(path: string): Promise<Buffer> {
  try {
    if (path === '-') return await buffer(process.stdin);
    return await readFile(path);
  } catch (error) {
    throw new UsageError(`${path} cannot be read (${(error as NodeJS.ErrnoException).code})`, { cause: error });
  }
}
