/** `wasi:http/types#method`. */
export type HttpMethod = { readonly tag: StandardMethod } | { readonly tag: 'other'; readonly val: string };

/** `wasi:http/types#scheme`. */
export type HttpScheme =
  | { readonly tag: 'HTTP' }
  | { readonly tag: 'HTTPS' }
  | { readonly tag: 'other'; readonly val: string };

type StandardMethod = 'get' | 'head' | 'post' | 'put' | 'delete' | 'connect' | 'options' | 'trace' | 'patch';

const STANDARD: ReadonlyMap<string, StandardMethod> = new Map(
  (['get', 'head', 'post', 'put', 'delete', 'connect', 'options', 'trace', 'patch'] as const).map((method) => [
    method.toUpperCase(),
    method,
  ]),
);

/** The WIT method of a method's name; names are case-sensitive, as in HTTP. */
export function methodOf(name: string): HttpMethod {
  const tag = STANDARD.get(name);
  return tag === undefined ? { tag: 'other', val: name } : { tag };
}

/** The name of a WIT method. */
export function nameOf(method: HttpMethod): string {
  return method.tag === 'other' ? method.val : method.tag.toUpperCase();
}

/** The WIT scheme of a scheme's name. */
export function schemeOf(name: string): HttpScheme {
  const lower = name.toLowerCase();
  if (lower === 'http') return { tag: 'HTTP' };
  return lower === 'https' ? { tag: 'HTTPS' } : { tag: 'other', val: name };
}
