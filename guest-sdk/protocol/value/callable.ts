import { CloudletError } from '../errors.ts';
import type { WitFunction, WitType } from '../wit-type.ts';

/** Deepest type that is carried; the walks over values recurse as deep as the type, never as deep as the data. */
const MAX_TYPE_DEPTH = 64;

const checked = new WeakSet<WitFunction>();

/** Refuses, as `unsupported-type`, a function that takes or gives what plain data cannot carry, naming the parameter. */
export function checkCallable(fn: WitFunction): void {
  if (checked.has(fn)) return;
  for (const { name, type } of fn.params) checkType(type, `parameter "${name}" of "${fn.name}"`, 0, new Map());
  if (fn.result !== null) checkType(fn.result, `the result of "${fn.name}"`, 0, new Map());
  checked.add(fn);
}

/**
 * The height of a type: 1 for one without parts. Types may share parts, so each part is measured once: a small component can
 * describe a tree that is larger than any memory.
 */
function checkType(type: WitType, where: string, depth: number, heights: Map<WitType, number>): number {
  let height = heights.get(type);
  if (depth + (height ?? 1) > MAX_TYPE_DEPTH) {
    throw new CloudletError('unsupported-type', `expected ${where} to nest at most ${MAX_TYPE_DEPTH} types, got more`);
  }
  if (height !== undefined) return height;
  if (type.kind === 'unsupported') {
    throw new CloudletError(
      'unsupported-type',
      `expected ${where} to be plain data, got ${type.what}, which cannot be carried over HTTP yet`,
    );
  }
  height = 1;
  for (const part of partsOf(type)) height = Math.max(height, 1 + checkType(part, where, depth + 1, heights));
  heights.set(type, height);
  return height;
}

function partsOf(type: WitType): readonly WitType[] {
  switch (type.kind) {
    case 'list':
      return [type.element];
    case 'option':
      return [type.some];
    case 'tuple':
      return type.elements;
    case 'record':
      return type.fields.map((field) => field.type);
    case 'variant':
      return type.cases.flatMap((each) => each.type ?? []);
    case 'result':
      return [type.ok, type.err].filter((part) => part !== null);
    default:
      return [];
  }
}
