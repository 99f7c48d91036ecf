import type { CloudletError, ErrorCode } from '../../guest-sdk/protocol/index.ts';
import { ERRORS } from '../../guest-sdk/protocol/index.ts';
import { RegistryRefusal } from '../../runtime/index.ts';

/** Where the OCI distribution API is. */
export const REGISTRY_PATH = /^\/v2(\/|$)/;

/** What a function's name, or what is asked of it, is in an address of the registry. */
const PULL_PATH = /^\/v2\/[^/]+\/(manifests\/[^/]+|blobs\/sha256:[^/]+|tags\/list|referrers\/[^/]+)$/;

/** Whether a request only pulls a repository whose name is known: no list of names, nothing that is changed. */
export function isPull(method: string, path: string): boolean {
  return (method === 'GET' || method === 'HEAD') && PULL_PATH.test(path);
}

/** Codes of the OCI distribution specification for errors that have none of their own, with their status there. */
const CODES: { readonly [K in ErrorCode]?: readonly [code: string, status?: number] } = {
  unauthorized: ['UNAUTHORIZED'],
  forbidden: ['DENIED'],
  'signature-invalid': ['DENIED', 403],
  conflict: ['DENIED'],
  'grant-missing': ['DENIED', 403],
  'package-invalid': ['MANIFEST_INVALID', 400],
  'grant-invalid': ['MANIFEST_INVALID', 400],
  'component-refused': ['MANIFEST_INVALID', 400],
  'body-too-large': ['SIZE_INVALID'],
  'body-truncated': ['BLOB_UPLOAD_INVALID'],
  'request-timeout': ['BLOB_UPLOAD_INVALID'],
  'range-unsatisfiable': ['BLOB_UPLOAD_INVALID'],
  'method-not-allowed': ['UNSUPPORTED'],
  'media-type-unsupported': ['UNSUPPORTED'],
  'too-many-attempts': ['TOOMANYREQUESTS'],
  'at-capacity': ['TOOMANYREQUESTS', 429],
};

/** An error as the OCI distribution specification has it. `headers` are those that it has anywhere. */
export function registryProblem(error: CloudletError, headers: Readonly<Record<string, string>>): Response {
  const [code = 'UNKNOWN', status] = CODES[error.code] ?? [];
  const known = error instanceof RegistryRefusal ? error.registryCode : code;
  const all: Record<string, string> = { ...headers, 'content-type': 'application/json' };
  // Container tools know this scheme without a service that gives tokens.
  if (error.code === 'unauthorized') all['www-authenticate'] = 'Basic realm="cloudlet"';
  return new Response(
    JSON.stringify({ errors: [{ code: known, message: error.message, detail: { code: error.code } }] }),
    {
      status: status ?? ERRORS[error.code].status,
      headers: all,
    },
  );
}

/** The token of `Authorization: Basic`, where it is the password whatever the user; null for no password, which is nobody's; undefined for another text. */
export function basicToken(authorization: string): string | null | undefined {
  const encoded = /^basic +([A-Za-z0-9+/]+={0,2})$/i.exec(authorization)?.[1];
  if (encoded === undefined) return undefined;
  const text = Buffer.from(encoded, 'base64').toString();
  const colon = text.indexOf(':');
  const password = text.slice(colon + 1);
  if (colon === -1) return undefined;
  return password === '' ? null : password;
}

/** A page of a sorted list as `n` and `last` ask for it; `next` is the address of what follows. */
export function listPage(
  all: readonly string[],
  { n, last }: { readonly n: string | undefined; readonly last: string | undefined },
  path: string,
): { readonly items: readonly string[]; readonly next: Record<string, string> } {
  const rest = last === undefined ? all : all.filter((each) => each > last);
  const most = n !== undefined && /^\d{1,6}$/.test(n) ? Number(n) : rest.length;
  const items = rest.slice(0, most);
  const end = items.at(-1);
  if (items.length === rest.length || end === undefined) return { items, next: {} };
  return { items, next: { link: `<${path}?n=${most}&last=${encodeURIComponent(end)}>; rel="next"` } };
}
