import type { WitFunction } from '../../protocol/index.ts';
import { type FlatType, flatten, MAX_FLAT_PARAMS, MAX_FLAT_RESULTS } from './flat-type.ts';

/** How the canonical ABI carries a function's call, the same for exports and for imports. */
export interface CoreCall {
  /** Core values of all parameters, one after another. */
  readonly flat: readonly FlatType[];
  /** Where those of each parameter begin. */
  readonly slots: readonly number[];
  /** Whether they are too many, so that the parameters lie in memory, as a record would, behind one pointer. */
  readonly inMemory: boolean;
  /** Whether the result lies in memory: an export gives its address, an import is given it as its last parameter. */
  readonly behind: boolean;
  /** The core value of the result; null when there is none, or when it lies in memory. */
  readonly result: FlatType | null;
}

/** How a function is called. */
export function coreCall({ params, result }: WitFunction): CoreCall {
  const flat: FlatType[] = [];
  const slots = params.map((param) => {
    const at = flat.length;
    flat.push(...flatten(param.type));
    return at;
  });
  const results = result === null ? [] : flatten(result);
  const behind = results.length > MAX_FLAT_RESULTS;
  return { flat, slots, inMemory: flat.length > MAX_FLAT_PARAMS, behind, result: behind ? null : (results[0] ?? null) };
}

/** The name of an export's core function: `thumbnail`, or `test:typed/shapes@1.0.0#swap`. */
export function coreName(wit: WitFunction): string {
  return wit.interface === null ? wit.function : `${wit.interface}#${wit.function}`;
}
