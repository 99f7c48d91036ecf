// The module `cloudlet` of a function that serves HTTP: a function from `Request` to `Response`, with whole bodies.
import { mark, takeNumbers, takeString, unwind } from './memory';
import { dropInput, dropOutput, readAll, textOf, utf8, write } from './streams';
import { log } from './host';
export { log, now } from './host';

/** A header; names of a request are in lower case. */
export class Header {
  constructor(public name: string, public value: string) {}
}

/** A request to the function, with its whole body. */
export class Request {
  constructor(
    /** In capitals. */
    public method: string,
    /** Path and query, as they came. */
    public path: string,
    public headers: Array<Header>,
    public body: Uint8Array,
  ) {}

  /** The path without its query. */
  get pathname(): string {
    const end = this.path.indexOf('?');
    return end < 0 ? this.path : this.path.substring(0, end);
  }

  /** What follows the question mark, still encoded. */
  get query(): string {
    const end = this.path.indexOf('?');
    return end < 0 ? '' : this.path.substring(end + 1);
  }

  /** The first value of a name of the query, decoded; null when it is not there. */
  parameter(name: string): string | null {
    const parts = this.query.split('&');
    for (let at = 0; at < parts.length; at++) {
      const part = parts[at];
      const end = part.indexOf('=');
      const key = end < 0 ? part : part.substring(0, end);
      if (part != '' && decoded(key) == name) return end < 0 ? '' : decoded(part.substring(end + 1));
    }
    return null;
  }

  /** The first value of a header; null when it is not there. */
  header(name: string): string | null {
    const wanted = name.toLowerCase();
    for (let at = 0; at < this.headers.length; at++) {
      if (this.headers[at].name.toLowerCase() == wanted) return this.headers[at].value;
    }
    return null;
  }

  /** The body as UTF-8. */
  text(): string {
    return textOf(this.body);
  }
}

/** The function's answer: status 200 unless told otherwise. */
export class Response {
  status: i32 = 200;
  headers: Array<Header> = [];

  constructor(public body: Uint8Array) {}

  static text(text: string, status: i32 = 200): Response {
    return new Response(utf8(text)).with('content-type', 'text/plain;charset=UTF-8').of(status);
  }

  static json(text: string, status: i32 = 200): Response {
    return new Response(utf8(text)).with('content-type', 'application/json').of(status);
  }

  /** The same with a status. */
  of(status: i32): Response {
    this.status = status;
    return this;
  }

  /** The same with one more header. */
  with(name: string, value: string): Response {
    this.headers.push(new Header(name, value));
    return this;
  }
}

/** Percent-decoded, a `+` as a space; what is no code stays as it is. */
function decoded(text: string): string {
  const bytes = utf8(text);
  let length = 0;
  for (let at = 0; at < bytes.length; at++) {
    let byte = bytes[at];
    const high = byte == 0x25 && at + 2 < bytes.length ? digit(bytes[at + 1]) : -1;
    const low = high < 0 ? -1 : digit(bytes[at + 2]);
    if (low >= 0) {
      byte = <u8>(high * 16 + low);
      at += 2;
    } else if (byte == 0x2b) byte = 0x20;
    bytes[length++] = byte;
  }
  return textOf(bytes.subarray(0, length));
}

function digit(char: u8): i32 {
  if (char >= 0x30 && char <= 0x39) return char - 0x30;
  const letter = char | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}

const METHODS: StaticArray<string> = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH'];

@external("wasi:http/types@0.2.12", "[method]incoming-request.method")
declare function requestMethod(request: u32, area: usize): void;
@external("wasi:http/types@0.2.12", "[method]incoming-request.path-with-query")
declare function requestPath(request: u32, area: usize): void;
@external("wasi:http/types@0.2.12", "[method]incoming-request.headers")
declare function requestHeaders(request: u32): u32;
@external("wasi:http/types@0.2.12", "[method]incoming-request.consume")
declare function requestConsume(request: u32, area: usize): void;
@external("wasi:http/types@0.2.12", "[method]incoming-body.stream")
declare function incomingStream(body: u32, area: usize): void;
@external("wasi:http/types@0.2.12", "[method]fields.entries")
declare function fieldsEntries(fields: u32, area: usize): void;
@external("wasi:http/types@0.2.12", "[constructor]fields")
declare function fieldsNew(): u32;
@external("wasi:http/types@0.2.12", "[method]fields.append")
declare function fieldsAppend(fields: u32, name: usize, nameSize: i32, value: usize, valueSize: i32, area: usize): void;
@external("wasi:http/types@0.2.12", "[constructor]outgoing-response")
declare function responseNew(fields: u32): u32;
@external("wasi:http/types@0.2.12", "[method]outgoing-response.set-status-code")
declare function responseStatus(response: u32, status: u32): u32;
@external("wasi:http/types@0.2.12", "[method]outgoing-response.body")
declare function responseBody(response: u32, area: usize): void;
@external("wasi:http/types@0.2.12", "[method]outgoing-body.write")
declare function outgoingStream(body: u32, area: usize): void;
@external("wasi:http/types@0.2.12", "[static]outgoing-body.finish")
declare function outgoingFinish(body: u32, hasTrailers: u32, trailers: u32, area: usize): void;
// The answer is a result: 0 and the response, and then what an error would have.
@external("wasi:http/types@0.2.12", "[static]response-outparam.set")
declare function outparamSet(out: u32, tag: u32, response: u32, a: u32, b: u64, c: u32, d: u32, e: u32, f: u32): void;
@external("wasi:http/types@0.2.12", "[resource-drop]incoming-request")
declare function dropRequest(request: u32): void;
@external("wasi:http/types@0.2.12", "[resource-drop]incoming-body")
declare function dropBody(body: u32): void;
@external("wasi:http/types@0.2.12", "[resource-drop]outgoing-body")
declare function dropOutgoing(body: u32): void;
@external("wasi:http/types@0.2.12", "[resource-drop]fields")
declare function dropFields(fields: u32): void;

const area = memory.data(64, 8);

/** The handle in a result that is in the area. */
function handle(): u32 {
  assert(load<u8>(area) == 0, 'a body is read, and written, once');
  return load<u32>(area, 4);
}

/** Takes a request, for the glue. */
export function receive(request: u32): Request {
  const before = mark();
  requestMethod(request, area);
  const tag = load<u8>(area);
  const method = <i32>tag < METHODS.length ? METHODS[tag] : takeString(load<u32>(area, 4), load<u32>(area, 8));
  requestPath(request, area);
  const path = load<u8>(area) == 0 ? '/' : takeString(load<u32>(area, 4), load<u32>(area, 8));
  const fields = requestHeaders(request);
  fieldsEntries(fields, area);
  const start = <usize>load<u32>(area);
  const headers = new Array<Header>();
  for (let at: usize = 0; at < load<u32>(area, 4); at++) {
    const entry = start + at * 16;
    const value = takeNumbers<Uint8Array>(load<u32>(entry, 8), load<u32>(entry, 12), 1);
    headers.push(new Header(takeString(load<u32>(entry), load<u32>(entry, 4)), textOf(value)));
  }
  unwind(before);
  dropFields(fields);
  requestConsume(request, area);
  const incoming = handle();
  incomingStream(incoming, area);
  const stream = handle();
  const body = readAll(stream);
  dropInput(stream);
  dropBody(incoming);
  dropRequest(request);
  return new Request(method, path, headers, body);
}

/** Sends the answer, for the glue. */
export function send(response: Response, out: u32): void {
  const fields = fieldsNew();
  for (let at = 0; at < response.headers.length; at++) {
    const each = response.headers[at];
    const name = utf8(each.name), value = utf8(each.value);
    fieldsAppend(fields, name.dataStart, name.length, value.dataStart, value.length, area);
    assert(load<u8>(area) == 0, `"${each.name}" is no name of a header for a response, or its value is none`);
  }
  const outgoing = responseNew(fields);
  assert(responseStatus(outgoing, response.status) == 0, `${response.status} is no status of a response`);
  responseBody(outgoing, area);
  const body = handle();
  outparamSet(out, 0, outgoing, 0, 0, 0, 0, 0, 0);
  outgoingStream(body, area);
  const stream = handle();
  // Who asked may leave before the end: then nobody misses the rest.
  const sent = write(stream, response.body);
  dropOutput(stream);
  if (!sent) return dropOutgoing(body);
  outgoingFinish(body, 0, 0, area);
  if (load<u8>(area) != 0) log('the response is not as long as its header content-length says');
}
