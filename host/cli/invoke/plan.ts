import type { Door, ExportInfo, FunctionInfo } from '../../../guest-sdk/protocol/index.ts';
import { UsageError } from '../usage-error.ts';

/** How a function is going to be called. */
export type Plan =
  | { readonly kind: 'run'; readonly args: readonly string[] }
  | { readonly kind: 'call'; readonly target: ExportInfo; readonly words: readonly string[] }
  | { readonly kind: 'http'; readonly path: string };

type Callable = Pick<FunctionInfo, 'name' | 'doors' | 'exports'>;

/**
 * Chooses the door: words after `--` run a command, a path asks an http function, an export's name calls it. Without a word a command
 * is run, else `/` is asked for, else the only export that there is. Throws `UsageError` with what is possible.
 */
export function planInvocation(info: Callable, words: readonly string[], passedOn: readonly string[]): Plan {
  const [first, ...rest] = words;
  if (passedOn.length > 0) {
    requireDoor(info, 'run', 'words after "--" are for commands');
    if (first !== undefined)
      throw new UsageError(`expected arguments of the command after "--" only, got ${quoted(first)}`);
    return { kind: 'run', args: passedOn };
  }
  if (first === undefined) return planWithoutWords(info);
  if (first.startsWith('/')) {
    requireDoor(info, 'http', 'a path is for http functions');
    if (rest.length > 0) throw new UsageError(`expected one path, got ${quoted(rest[0]!)} too`);
    return { kind: 'http', path: first };
  }
  requireDoor(info, 'call', `${quoted(first)} would be an export`);
  const target = info.exports.find(({ name }) => name === first);
  if (target === undefined)
    throw new UsageError(`${info.name} has no export ${quoted(first)}; it has\n${signatures(info)}`);
  return { kind: 'call', target, words: rest };
}

function planWithoutWords(info: Callable): Plan {
  if (info.doors.includes('run')) return { kind: 'run', args: [] };
  if (info.doors.includes('http')) return { kind: 'http', path: '/' };
  const [only, ...others] = info.exports;
  if (only !== undefined && others.length === 0) return { kind: 'call', target: only, words: [] };
  throw new UsageError(`expected one of the exports of ${info.name}:\n${signatures(info)}`);
}

const WAYS: Readonly<Record<Door, string>> = {
  run: 'npx cloudlet invoke NAME [-- ARGS…]',
  http: 'npx cloudlet invoke NAME [/PATH]',
  call: 'npx cloudlet invoke NAME EXPORT [JSON…]',
};

function requireDoor({ name, doors }: Callable, door: Door, why: string): void {
  if (doors.includes(door)) return;
  throw new UsageError(`${why}, which ${name} does not offer; use ${waysToInvoke({ name, doors }).join(' or ')}`);
}

/** The command for each door of a function, with placeholders in capitals for what its author knows better. */
export function waysToInvoke({ name, doors }: Pick<Callable, 'name' | 'doors'>): string[] {
  return doors.map((door) => WAYS[door].replace('NAME', name));
}

function signatures({ exports }: Callable): string {
  return exports.map(({ signature }) => `  ${signature}`).join('\n');
}

function quoted(text: string): string {
  return JSON.stringify(text);
}
