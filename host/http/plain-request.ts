import type { IncomingMessage } from 'node:http';
import { type FunctionName, parseName } from '../../guest-sdk/protocol/index.ts';
import { fieldOf } from './raw-headers.ts';

/** A request to a function whose address needs no parser. */
export interface PlainRequest {
  readonly name: FunctionName;
  /** Its target, as it was sent. */
  readonly target: string;
  /** Its `Host`, and so that of its address. */
  readonly authority: string;
}

/** Targets below a function's name of characters that stay what they are in an address. */
const TARGET = /^\/f\/([a-z][a-z0-9-]{0,62})(?=[/?]|$)[!$%&-;=?-[\]_a-z~]*$/;

/** What an address that is parsed becomes another by: a segment of dots, also one in disguise, and a quote, which is encoded. */
const MOVING = /\/\.\.?(?:[/?]|$)|%2e|'/i;

/** Methods that are all the same to the routes. */
export const METHODS: ReadonlySet<string> = new Set(['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']);

/** The request when it is one; null when it is for another address, or unusual in any way. */
export function plainRequest({ method, url, httpVersion, rawHeaders, headers }: IncomingMessage): PlainRequest | null {
  const target = url ?? '';
  const name = nameIn(target);
  if (name === null || !METHODS.has(method ?? '')) return null;
  if (httpVersion !== '1.1' || headers.expect !== undefined) return null;
  const authority = fieldOf(rawHeaders, 'host');
  if (authority === undefined || !isPlainAuthority(authority)) return null;
  return { name, target, authority };
}

/** The last target that was plain, and the name in it: many requests ask for the same. */
let knownTarget: string | null = null;
let knownName: FunctionName;

/** The name of a function in a target that needs no parser; null when it does. */
export function nameIn(target: string): FunctionName | null {
  if (target === knownTarget) return knownName;
  const match = target.startsWith('/f/') ? TARGET.exec(target) : null;
  if (match === null || MOVING.test(target)) return null;
  knownName = parseName(match[1]!);
  knownTarget = target;
  return knownName;
}

/** The last authority that was plain: nearly all requests name the same. */
let knownAuthority: string | null = null;

/** Whether an authority is what becomes of it in an address: not so with capitals, or the scheme's own port. */
export function isPlainAuthority(authority: string): boolean {
  if (authority === knownAuthority) return true;
  if (!/^[a-z0-9._-]+(?::\d{1,5})?$/.test(authority)) return false;
  if (URL.parse(`http://${authority}/`)?.host !== authority) return false;
  knownAuthority = authority;
  return true;
}
