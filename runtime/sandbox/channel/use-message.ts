/** Checks what an agent says its guests used: it is shown to people, and remembered. */
import {
  type DoneMessage,
  MAX_MISSING,
  MAX_USE_CHARACTERS,
  MAX_USES,
  type UseMessage,
  WireError,
} from '../../agent/wire.ts';
import type { FileUse } from '../../wasi/index.ts';

const FILE_USES: readonly string[] = [
  'read',
  'written',
  'looked-at',
  'listed',
  'missing',
  'read-only',
] satisfies FileUse[];

/** The parts of a `done` that tell what was used, and what was looked for in vain. `WireError` when they are none. */
export function parseUsed(use: unknown, missing: unknown): Pick<DoneMessage, 'use' | 'missing'> {
  return {
    ...(use === undefined || use === null ? {} : { use: parseUse(use) }),
    ...(missing === undefined || missing === null
      ? {}
      : { missing: list('done.missing', missing, MAX_MISSING).map((each) => shortText('done.missing', each)) }),
  };
}

function parseUse(value: unknown): UseMessage {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw expected('done.use', 'an object');
  const use = value as Readonly<Record<string, unknown>>;
  return {
    files: list('done.use.files', use['files'], MAX_USES).map((entry) => {
      const [path, how] = list('done.use.files', entry, 2);
      if (!FILE_USES.includes(how as string)) throw expected('done.use.files', `one of ${FILE_USES} for each path`);
      return [shortText('done.use.files', path), how as FileUse] as const;
    }),
    configuration: list('done.use.configuration', use['configuration'], MAX_USES).map((entry) => {
      const [key, isThere] = list('done.use.configuration', entry, 2);
      return [key === null ? null : shortText('done.use.configuration', key), isThere === true] as const;
    }),
    environment: use['environment'] === true,
    arguments: use['arguments'] === true,
    dropped: amount('done.use.dropped', use['dropped']),
    scratchBytes: amount('done.use.scratchBytes', use['scratchBytes']),
    memoryBytes: amount('done.use.memoryBytes', use['memoryBytes']),
    cpuMs: use['cpuMs'] === null ? null : amount('done.use.cpuMs', use['cpuMs']),
  };
}

function list(what: string, value: unknown, most: number): readonly unknown[] {
  if (!Array.isArray(value) || value.length > most) throw expected(what, `a list of at most ${most}`);
  return value;
}

function shortText(what: string, value: unknown): string {
  if (typeof value !== 'string' || value.length > MAX_USE_CHARACTERS)
    throw expected(what, `text of at most ${MAX_USE_CHARACTERS} characters`);
  return value;
}

function amount(what: string, value: unknown): number {
  if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) throw expected(what, 'a number from 0');
  return value;
}

function expected(what: string, shape: string): WireError {
  return new WireError(`expected ${what} to be ${shape}`);
}
