import type { WitType } from '../wit-type.ts';

/**
 * Whether the bindings give an option a tag, `{tag: 'some', val}` or `{tag: 'none'}`: they do when its content alone can be
 * undefined, which is so for an option without a tag. Of options within options, every other one has a tag, counted from the
 * innermost.
 */
export function hasTag(some: WitType): boolean {
  return some.kind === 'option' && !hasTag(some.some);
}

/** Whether plain data wraps what an option holds, `{"some": …}`: when it is an option too, since `null` would be ambiguous. */
export function isWrapped(some: WitType): boolean {
  return some.kind === 'option';
}
