import { isFieldName } from '../../http/field.ts';
import { type HttpMethod, type HttpScheme, methodOf, schemeOf } from '../../http/method.ts';

const SCHEME = /^[A-Za-z][A-Za-z0-9+.-]*$/;
/** Visible characters, also beyond ASCII, without those that never stand in a path or query: `<`, `>` and the backtick. */
const PATH = /^[\x21-\x3b\x3d\x3f-\x5f\x61-\x7e\x80-\u{10ffff}]*$/u;
/** Name and password, a host name or an address, and a port. */
const AUTHORITY =
  /^(?:[A-Za-z0-9\-._~%!$&'()*+,;=:]*@)?(?:[A-Za-z0-9\-._~%!$&'()*+,;=]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{0,5})?$/;

/** The method in its shortest form (`other("GET")` is `get`); throws the guest's error when it is none. */
export function parseMethod(method: HttpMethod): HttpMethod {
  if (method.tag !== 'other') return method;
  if (!isFieldName(method.val)) throw undefined;
  return methodOf(method.val);
}

/** The scheme in its shortest form; throws the guest's error when it is none. */
export function parseScheme(scheme: HttpScheme | undefined): HttpScheme | undefined {
  if (scheme?.tag !== 'other') return scheme;
  if (!SCHEME.test(scheme.val)) throw undefined;
  return schemeOf(scheme.val);
}

/** The path with its query, `/` when it is empty; throws the guest's error when it is none. */
export function parsePathWithQuery(path: string | undefined): string | undefined {
  if (path === undefined) return undefined;
  if (!PATH.test(path)) throw undefined;
  return path === '' ? '/' : path;
}

/** The authority; throws the guest's error when it is none. */
export function parseAuthority(authority: string | undefined): string | undefined {
  if (authority !== undefined && !AUTHORITY.test(authority)) throw undefined;
  return authority;
}
