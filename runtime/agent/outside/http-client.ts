import {
  type HttpEndAnswer,
  type HttpHeadAnswer,
  type HttpSend,
  MAX_AUTHORITY,
  MAX_FIELD_BYTES,
  MAX_METHOD,
  MAX_PATH,
} from '../../outside/network/messages.ts';
import { recordOf, recordRoom, writeAll } from '../../outside/network/record.ts';
import {
  type ByteSink,
  type ByteSource,
  type FieldEntry,
  type HttpClient,
  type HttpClientCall,
  type HttpClientRequest,
  type HttpClientResponse,
  type HttpErrorCode,
  HttpFailure,
  StreamFailure,
} from '../../wasi/index.ts';
import { httpErrorOf } from './http-error.ts';
import type { Outside, OutsideCall } from './outside.ts';

/** What goes with the requests of one invocation. */
export interface HttpClientOptions {
  /** W3C trace context of the invocation, for requests whose guest names none. */
  readonly traceparent?: string | undefined;
  /** Goes with `traceparent`. */
  readonly tracestate?: string | undefined;
  /** Told how many bytes of the guest went on their way. */
  readonly passed?: (bytes: number) => void;
}

/** Bytes of an answer that are read and dropped so that its trailers come, when the guest did not read to the end. */
const MAX_SWALLOWED = 64 * 1024;

/** A client of HTTP for the guest of one invocation: its host sends the requests, as its function was granted. */
export class OutsideHttpClient implements HttpClient {
  readonly #outside: Outside;
  readonly #options: HttpClientOptions;

  constructor(outside: Outside, options: HttpClientOptions = {}) {
    this.#outside = outside;
    this.#options = options;
  }

  send(request: HttpClientRequest): HttpClientCall {
    const { passed = NOTHING } = this.#options;
    const { method, authority, path } = request;
    const headers = withTrace(request.headers, this.#options);
    const headerBytes = headers.reduce((sum, [name, value]) => sum + name.length + value.length, 0);
    passed(headerBytes + authority.length + path.length);
    if (headerBytes > MAX_FIELD_BYTES) return failedCall({ tag: 'HTTP-request-header-section-size', val: headerBytes });
    if (path.length > MAX_PATH) return failedCall({ tag: 'HTTP-request-URI-too-long' });
    if (authority.length > MAX_AUTHORITY) return failedCall({ tag: 'HTTP-request-URI-invalid' });
    if (method.length > MAX_METHOD) return failedCall({ tag: 'HTTP-request-method-invalid' });
    const args: HttpSend = { ...request, headers };
    return new OutsideHttpCall(this.#outside.ask('http.send', args), request, passed);
  }
}

/** One request and its response. */
class OutsideHttpCall implements HttpClientCall {
  readonly response: Promise<HttpClientResponse>;
  readonly body: ByteSink;
  readonly settled: Promise<void>;
  readonly #call: OutsideCall;

  constructor(call: OutsideCall, request: HttpClientRequest, passed: (bytes: number) => void) {
    this.#call = call;
    this.body = new RequestBodySink(call.sink, passed);
    if (!request.body) call.sink.close();
    const body = new ResponseBody(call);
    this.response = call.answer.then(
      (answer) => responseOf(answer as HttpHeadAnswer, body),
      (error: unknown) => {
        throw httpErrorOf(error);
      },
    );
    this.response.catch(NOTHING);
    this.settled = call.answer.then(() => call.end).then(NOTHING, NOTHING);
  }

  finish(trailers: readonly FieldEntry[]): void {
    const records = [recordOf(EMPTY), ...trailers.flatMap(([name, value]) => [recordOf(ascii(name)), recordOf(value)])];
    const { sink } = this.#call;
    writeAll(sink, Buffer.concat(records)).then(
      () => sink.close(),
      // The host takes no more of the body: it has answered, or the call is over.
      NOTHING,
    );
  }

  forget(): void {
    this.#call.forget();
  }
}

/** The body of a request as records, so that the host knows where it ends. */
class RequestBodySink implements ByteSink {
  readonly #sink: ByteSink;
  readonly #passed: (bytes: number) => void;

  constructor(sink: ByteSink, passed: (bytes: number) => void) {
    this.#sink = sink;
    this.#passed = passed;
  }

  get capacity(): number {
    return recordRoom(this.#sink);
  }

  write(bytes: Uint8Array): void {
    // An empty record would be the end.
    if (bytes.length > 0) this.#sink.write(recordOf(bytes));
    this.#passed(bytes.length);
  }

  wait(): Promise<void> {
    return this.#sink.wait();
  }

  flush(): Promise<void> | undefined {
    return this.#sink.flush();
  }

  /** The stream was dropped; whether the body is complete is said by `finish`. */
  close(): void {}
}

/** The body of a response: at its end only when the host says that it is complete. */
class ResponseBody implements ByteSource {
  readonly #call: OutsideCall;
  readonly #end: Promise<void>;
  #state: 'flowing' | 'drained' | 'complete' | HttpFailure = 'flowing';
  #trailers: readonly FieldEntry[] = [];
  #wanted = true;
  #ending = false;

  constructor(call: OutsideCall) {
    this.#call = call;
    this.#end = call.end.then(
      (end) => {
        this.#trailers = (end as HttpEndAnswer).trailers;
        this.#ending = true;
      },
      (error: unknown) => {
        this.#state = httpErrorOf(error);
        this.#ending = true;
      },
    );
  }

  get ready(): boolean {
    if (this.#state === 'flowing') return this.#call.source.ready;
    return this.#state !== 'drained' || this.#ending;
  }

  read(max: number): Uint8Array | null {
    if (this.#state === 'flowing') {
      const bytes = this.#more(max);
      if (bytes !== null) return bytes;
      this.#state = 'drained';
    }
    if (this.#state === 'drained') {
      if (!this.#ending) return EMPTY;
      this.#state = 'complete';
    }
    if (this.#state === 'complete') return null;
    throw new StreamFailure(this.#state.message, { http: this.#state.code });
  }

  /** Null also when the bytes failed: why is what the end says. */
  #more(max: number): Uint8Array | null {
    try {
      return this.#call.source.read(max);
    } catch (error) {
      if (error instanceof StreamFailure) return null;
      throw error;
    }
  }

  wait(): Promise<void> {
    return this.#state === 'flowing' ? this.#call.source.wait() : this.#end;
  }

  /** What is left is not wanted, unless the trailers are asked for in the same breath. */
  close(): void {
    if (!this.#wanted || this.#state === 'complete') return;
    this.#wanted = false;
    queueMicrotask(() => {
      if (!this.#wanted) this.#call.forget();
    });
  }

  /** The trailers. What is left of the body is dropped, if it is not too much. */
  async trailers(): Promise<readonly FieldEntry[]> {
    this.#wanted = true;
    try {
      for (let swallowed = 0; ; ) {
        const bytes = this.read(MAX_SWALLOWED);
        if (bytes === null) return this.#trailers;
        if (bytes.length === 0) await this.wait();
        swallowed += bytes.length;
        if (swallowed > MAX_SWALLOWED) throw new HttpFailure({ tag: 'connection-terminated' }, 'the body was not read');
      }
    } catch (error) {
      this.#call.forget();
      if (error instanceof StreamFailure)
        throw new HttpFailure(error.http ?? { tag: 'connection-terminated' }, error.message);
      throw error;
    }
  }
}

function responseOf({ status, headers }: HttpHeadAnswer, body: ResponseBody): HttpClientResponse {
  return { status, headers, body, trailers: () => body.trailers() };
}

/** A request that is not even asked for. */
function failedCall(code: HttpErrorCode): HttpClientCall {
  const failure = new HttpFailure(code);
  const response = Promise.reject(failure);
  response.catch(NOTHING);
  return {
    response,
    body: new RefusingSink(failure),
    finish: NOTHING,
    forget: NOTHING,
    settled: Promise.resolve(),
  };
}

/** Takes nothing. */
class RefusingSink implements ByteSink {
  readonly #failure: HttpFailure;

  constructor(failure: HttpFailure) {
    this.#failure = failure;
  }

  get capacity(): number {
    throw new StreamFailure(this.#failure.message, { http: this.#failure.code });
  }

  write(): void {
    throw new StreamFailure(this.#failure.message, { http: this.#failure.code });
  }

  wait(): Promise<void> {
    return Promise.resolve();
  }

  flush(): undefined {
    return undefined;
  }

  close(): void {}
}

/** A guest that traces by itself has its own context, of which the invocation's is the parent. */
function withTrace(headers: readonly FieldEntry[], place: HttpClientOptions): readonly FieldEntry[] {
  const { traceparent, tracestate } = place;
  const isGiven = (field: string): boolean => headers.some(([name]) => name.toLowerCase() === field);
  if (traceparent === undefined || isGiven('traceparent')) return headers;
  const traced: FieldEntry[] = [...headers, ['traceparent', ascii(traceparent)]];
  if (tracestate !== undefined && !isGiven('tracestate')) traced.push(['tracestate', ascii(tracestate)]);
  return traced;
}

function ascii(text: string): Uint8Array {
  return Buffer.from(text, 'latin1');
}

const EMPTY = new Uint8Array(0);
const NOTHING = () => {};
