import { declaredLength, isFieldName, isFieldValue, isForbiddenField } from '../../../wasi/http/field.ts';
import { DEFAULT_PORTS, type Destination, parseDestination, type Scheme } from '../host-pattern.ts';
import { type Field, MAX_FIELD_BYTES, MAX_FIELDS, MAX_METHOD, MAX_PATH } from '../messages.ts';
import { type HttpRefusalCode, httpRefusal } from './http-refusal.ts';

/** A request of a guest that may be put on the wire, if its destination may be reached. */
export interface HttpRequest {
  readonly method: string;
  readonly scheme: Scheme;
  readonly destination: Destination;
  /** For the `Host` field: the destination's one spelling. */
  readonly host: string;
  readonly path: string;
  /** Names and values in turn, as Node writes them; none that belongs to the connection. */
  readonly headers: readonly string[];
  readonly body: boolean;
  /** The length that the header declares for the body. */
  readonly declared: number | null;
  readonly connectMs: number | null;
  readonly firstByteMs: number | null;
  readonly betweenBytesMs: number | null;
}

/** Reads the arguments of `http.send`. The agent is not trusted: what its own checks let through is checked again. Throws an `OutsideRefusal`. */
export function parseHttpRequest(args: unknown): HttpRequest {
  const given = record(args);
  const method = text(given['method']);
  // CONNECT would make the connection a tunnel; what goes through it nobody checks.
  if (!isFieldName(method) || method.length > MAX_METHOD || method.toUpperCase() === 'CONNECT') {
    throw httpRefusal(
      'HTTP-request-method-invalid',
      `expected a method of HTTP other than CONNECT, got ${JSON.stringify(method.slice(0, MAX_METHOD))}`,
    );
  }
  const scheme = text(given['scheme']);
  if (scheme !== 'http' && scheme !== 'https') {
    throw httpRefusal('HTTP-protocol-error', 'expected the scheme http or https');
  }
  const destination = parseDestination(text(given['authority']), scheme);
  if (destination === null) {
    throw httpRefusal('HTTP-request-URI-invalid', 'expected an authority such as api.example.org or 192.0.2.1:8080');
  }
  const path = text(given['path']);
  if (path.length > MAX_PATH) {
    throw httpRefusal('HTTP-request-URI-too-long', `expected a path of at most ${MAX_PATH} bytes, got ${path.length}`);
  }
  const asterisk = path === '*' && method === 'OPTIONS';
  if (!asterisk && !/^\/[\x21-\x7e]*$/.test(path)) {
    throw httpRefusal('HTTP-request-URI-invalid', 'expected a path that begins with / and is printable ASCII');
  }
  const fields = parseFields(given['headers'], 'HTTP-request-header-section-size');
  const body = given['body'] === true;
  const declared = declaredLength(fields);
  if (declared === undefined) throw httpRefusal('HTTP-protocol-error', 'the content-length is wrong, or there are two');
  return {
    method,
    scheme,
    destination,
    host: hostField(destination, scheme),
    path,
    headers: sentFields(fields, declared !== null).flatMap(([name, value]) => [name, latin1(value)]),
    body,
    declared,
    connectMs: milliseconds(given['connectMs']),
    firstByteMs: milliseconds(given['firstByteMs']),
    betweenBytesMs: milliseconds(given['betweenBytesMs']),
  };
}

/** Reads fields. Throws an `OutsideRefusal` when they are none, or too many. */
function parseFields(given: unknown, tooLarge: HttpRefusalCode): Field[] {
  if (!Array.isArray(given)) throw malformed();
  if (given.length > MAX_FIELDS) throw httpRefusal(tooLarge, `expected at most ${MAX_FIELDS} fields`);
  let bytes = 0;
  return given.map((field: unknown) => {
    if (!Array.isArray(field)) throw malformed();
    const [name, value] = field as unknown[];
    if (typeof name !== 'string' || !(value instanceof Uint8Array)) throw malformed();
    bytes += name.length + value.length;
    if (bytes > MAX_FIELD_BYTES)
      throw httpRefusal(tooLarge, `expected fields of at most ${MAX_FIELD_BYTES} bytes in all`);
    return sound(name, value);
  });
}

/** Collects the trailers of a request, one by one, within the bounds of a header. */
export class TrailerFields {
  readonly #fields: [string, string][] = [];
  #bytes = 0;

  /** Longest name or value that may come now. */
  get room(): number {
    return MAX_FIELD_BYTES - this.#bytes;
  }

  add(name: Uint8Array, value: Uint8Array): void {
    this.#bytes += name.length + value.length;
    if (this.#bytes > MAX_FIELD_BYTES || this.#fields.length >= MAX_FIELDS) {
      throw httpRefusal('HTTP-request-trailer-section-size', 'the trailers of the request are too large');
    }
    const field = sound(latin1(name), value);
    if (sentFields([field], false).length > 0) this.#fields.push([field[0], latin1(field[1])]);
  }

  get entries(): readonly [string, string][] {
    return this.#fields;
  }
}

function sound(name: string, value: Uint8Array): Field {
  if (!isFieldName(name) || !isFieldValue(value)) {
    throw httpRefusal('HTTP-protocol-error', 'expected fields with names and values as HTTP has them');
  }
  return [name, value];
}

/** Leaves out what belongs to the connection, which is the host's: the fixed names, and those that `connection` lists. */
function sentFields(fields: readonly Field[], sized: boolean): Field[] {
  return fields.filter(([name]) => {
    const lower = name.toLowerCase();
    if (isForbiddenField(lower) || lower === 'content-length') return false;
    // The body flows at once, so there is nothing to expect; and a sized body has no trailers.
    return lower !== 'expect' && !(lower === 'trailer' && sized);
  });
}

function hostField({ host, port }: Destination, scheme: Scheme): string {
  const name = host.includes(':') ? `[${host}]` : host;
  return port === DEFAULT_PORTS[scheme] ? name : `${name}:${port}`;
}

function milliseconds(given: unknown): number | null {
  return typeof given === 'number' && given >= 0 ? given : null;
}

function record(given: unknown): Readonly<Record<string, unknown>> {
  if (typeof given !== 'object' || given === null) throw malformed();
  return given as Record<string, unknown>;
}

function text(given: unknown): string {
  if (typeof given !== 'string') throw malformed();
  return given;
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}

const malformed = () => httpRefusal('internal-error', 'the agent asked in a form that this host does not know');
