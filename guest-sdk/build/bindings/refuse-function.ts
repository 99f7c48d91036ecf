import type { ResourceHandle } from '../../../runtime/index.ts';
import { CloudletError, formatFunction, type WitFunction, type WitType } from '../../protocol/index.ts';
import { partsOf } from './type-names.ts';

/**
 * Refuses an exported function that a language cannot write, with the way to the part of its types that is the reason: handles cannot
 * come from a caller.
 * @throws CloudletError `unsupported-type`.
 */
export function refuseExport(language: string, fn: WitFunction): void {
  refuse(language, fn, formatFunction(fn), new Map());
}

/**
 * Refuses an imported function that a language cannot be given, likewise.
 * @throws CloudletError `unsupported-type`.
 */
export function refuseImport(language: string, fn: WitFunction, handles: Handles): void {
  refuse(language, fn, `import ${fn.interface === null ? '' : `${fn.interface} `}${formatFunction(fn)}`, handles);
}

/**
 * Does what a function is written by; what is refused on the way names the function.
 * @throws CloudletError of the same code.
 */
export function naming<T>(fn: WitFunction, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof CloudletError)) throw error;
    throw new CloudletError(error.code, `${formatFunction(fn)}: ${error.message}`, { cause: error });
  }
}

type Handles = ReadonlyMap<WitType, ResourceHandle>;

/** Types that a generated parameter has as such, so that handles in them can be lent. */
const LENDING: ReadonlySet<WitType['kind']> = new Set(['list', 'option', 'tuple']);

/** Most flags of one type that the canonical ABI carries. */
export const MAX_FLAGS = 32;

function refuse(language: string, fn: WitFunction, title: string, handles: Handles): void {
  const unsupported = (reason: string) => new CloudletError('unsupported-type', `${title}: ${reason}`);
  if (fn.async) throw unsupported(`${language} functions cannot be async; leave the word out`);
  const visit = (type: WitType, path: string, inside: WitType['kind'] | null): void => {
    if (type.kind === 'unsupported') {
      const mode = handles.get(type)?.mode;
      if (mode === undefined)
        throw unsupported(`${path}: ${language} functions cannot take or give ${type.what}; use plain values`);
      if (mode === 'borrow' && inside !== null)
        throw unsupported(
          `${path}: ${language} functions cannot lend ${type.what} inside a ${inside}; give it by itself`,
        );
    }
    if (type.kind === 'flags' && type.names.length > MAX_FLAGS)
      throw unsupported(`${path}: expected flags of at most ${MAX_FLAGS} names, got ${type.names.length}; split them`);
    const within = LENDING.has(type.kind) ? inside : type.kind;
    for (const [step, part] of partsOf(type)) visit(part, `${path}${step}`, within);
  };
  for (const param of fn.params) visit(param.type, param.name, null);
  if (fn.result !== null) visit(fn.result, 'result', null);
}
