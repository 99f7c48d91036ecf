import type { WitType } from '../../protocol/index.ts';
import type { World } from '../bindings/world.ts';

/**
 * Names of a world's types of which no two different ones have the same: where they had, those of imported interfaces get the
 * interface's name before their own, such as `config-store-error`. So a type's name depends on no order.
 */
export function distinctNames(
  { imports = [], names }: World,
  paths: ReadonlyMap<string, readonly string[]>,
): ReadonlyMap<WitType, string> {
  const shapes = new Map<string, Set<string>>();
  for (const [type, name] of names) shapes.set(name, (shapes.get(name) ?? new Set()).add(JSON.stringify(type)));
  const owners = new Map<string, string>();
  for (const each of imports) {
    const path = each.name === null ? [] : (paths.get(each.name) ?? []);
    for (const [name, type] of each.types) {
      const key = keyOf(name, type);
      // The first interface with a type is the one that it is of; others use it.
      if (!owners.has(key)) owners.set(key, [...path, name].join('-'));
    }
  }
  const distinct = new Map<WitType, string>();
  for (const [type, name] of names) {
    const clashes = (shapes.get(name)?.size ?? 0) > 1;
    distinct.set(type, clashes ? (owners.get(keyOf(name, type)) ?? name) : name);
  }
  return distinct;
}

function keyOf(name: string, type: WitType): string {
  return JSON.stringify([name, type]);
}
