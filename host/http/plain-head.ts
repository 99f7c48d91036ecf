import type { FunctionName } from '../../guest-sdk/protocol/index.ts';
import { isPlainAuthority, METHODS, nameIn, type PlainRequest } from './plain-request.ts';
import { fieldOf, type RawHeaders } from './raw-headers.ts';
import { SMALL_BYTES } from './request-body.ts';

/** The head of a request to a function that says nothing unusual, and so needs no parser. */
export interface PlainHead extends PlainRequest {
  /** All of it, one character for each byte, with the empty line at its end. */
  readonly text: string;
  readonly method: string;
  readonly rawHeaders: RawHeaders;
  readonly authorization: string;
  /** Bytes of the body behind it. */
  readonly bodyBytes: number;
}

/** Longest head that is read here, bytes. */
export const MOST_HEAD_BYTES = 4 * 1024;

const REQUEST_LINE = /^([A-Z]+) ([!-~]+) HTTP\/1\.1$/;

/** A field with a value, one space before it and none around it: what everyone sends. */
const FIELD = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+): ([!-~\x80-\xff](?:[\t -~\x80-\xff]*[!-~\x80-\xff])?)$/;

/** Fields by which a request is more than its line, its fields and a body of known length, or that the gate decides by. */
const UNUSUAL: ReadonlySet<string> = new Set([
  ...['transfer-encoding', 'expect', 'upgrade', 'http2-settings', 'te', 'trailer', 'proxy-connection', 'keep-alive'],
  ...['service-worker', 'origin', 'sec-fetch-site'],
]);

/**
 * The head that these characters are, up to the empty line; null when it is for another address, or unusual in any way. What is taken here Node's
 * parser takes too, and reads the same in it; what it refuses is refused by it alone.
 */
export function plainHead(text: string): PlainHead | null {
  const lines = text.split('\r\n');
  // The empty line, and what ends it.
  if (lines.length < 3 || lines.pop() !== '' || lines.pop() !== '') return null;
  const [, method, target] = REQUEST_LINE.exec(lines[0]!) ?? [];
  const name = target === undefined ? null : nameIn(target);
  if (name === null || !METHODS.has(method!)) return null;
  const rawHeaders: string[] = [];
  for (let at = 1; at < lines.length; at += 1) {
    const [, field, value] = FIELD.exec(lines[at]!) ?? [];
    if (field === undefined || !isUsual(field.toLowerCase(), value!)) return null;
    rawHeaders.push(field, value!);
  }
  return headOf(text, { method: method!, target: target!, name, rawHeaders });
}

function isUsual(name: string, value: string): boolean {
  return name === 'connection' ? value.toLowerCase() === 'keep-alive' : !UNUSUAL.has(name);
}

interface Read {
  readonly method: string;
  readonly target: string;
  readonly name: FunctionName;
  readonly rawHeaders: RawHeaders;
}

function headOf(text: string, read: Read): PlainHead | null {
  const authority = fieldOf(read.rawHeaders, 'host');
  const authorization = fieldOf(read.rawHeaders, 'authorization');
  if (authority === undefined || authorization === undefined || !isPlainAuthority(authority)) return null;
  // Of a length that came twice this is no number.
  const length = fieldOf(read.rawHeaders, 'content-length') ?? '0';
  if (!/^(?:0|[1-9]\d{0,4})$/.test(length) || Number(length) > SMALL_BYTES) return null;
  return { text, ...read, authority, authorization, bodyBytes: Number(length) };
}
