import type { ImportedInterface } from '../../../runtime/index.ts';
import { CloudletError, type WitFunction } from '../../protocol/index.ts';

/** How an imported function is called: on its own, or as a part of a resource. */
export interface ImportForm {
  readonly kind: 'function' | 'method' | 'static' | 'constructor';
  /** The resource, by its name in the interface. */
  readonly resource: string | null;
  /** The function's own name; a constructor's is `new`. */
  readonly name: string;
}

/** Reads a name like `[method]bucket.get`. */
export function formOf({ function: name }: WitFunction): ImportForm {
  const part = /^\[(method|static)\]([^.]+)\.(.+)$/.exec(name);
  if (part !== null) return { kind: part[1] as 'method' | 'static', resource: part[2] ?? '', name: part[3] ?? '' };
  const made = /^\[constructor\](.+)$/.exec(name);
  return made === null
    ? { kind: 'function', resource: null, name }
    : { kind: 'constructor', resource: made[1] ?? '', name: 'new' };
}

/** The module that the core import of a function is in. */
export function coreModule(owner: string | null): string {
  return owner ?? '$root';
}

/**
 * Where the generated code has each imported interface: `wasi:keyvalue/store@…` is `keyvalue`, `store`; with the namespace where two
 * packages, or one and what is in `taken`, would have one name.
 * @throws CloudletError `build-failed` when an interface is imported in two versions.
 */
export function importPaths(
  imports: readonly ImportedInterface[],
  taken: ReadonlySet<string>,
): ReadonlyMap<string, readonly string[]> {
  const parsed = imports.flatMap(({ name }) => {
    if (name === null) return [];
    const [, namespace, pack, own] = /^(?:([^:]+):([^/]+)\/)?([^@]+)/.exec(name) ?? [];
    return [{ name, namespace, package: pack, own: own ?? name }];
  });
  const plain = new Set([...taken, ...parsed.filter((each) => each.package === undefined).map((each) => each.own)]);
  const paths = new Map<string, readonly string[]>();
  const used = new Map<string, string>();
  for (const each of parsed) {
    const others = parsed.some((other) => other.package === each.package && other.namespace !== each.namespace);
    const first = others || plain.has(each.package ?? '') ? `${each.namespace}-${each.package}` : each.package;
    const path = first === undefined ? [each.own] : [first.replaceAll(':', '-'), each.own];
    const other = used.get(path.join('/')) ?? (taken.has(path.join('/')) ? `the exported ${each.own}` : undefined);
    if (other !== undefined)
      throw new CloudletError('build-failed', `${other} and ${each.name} would have one name; rename or leave out one`);
    used.set(path.join('/'), each.name);
    paths.set(each.name, path);
  }
  return paths;
}

/** `store` of `wasi:keyvalue/store@0.2.0-draft2`. */
export function shortName(name: string): string {
  return name.replace(/^.*\//, '').replace(/@.*$/, '');
}
