import * as v from 'valibot';
import { CloudletError } from '../protocol/index.ts';
import { type Compression, gzipCompression } from './compression.ts';
import { notACloudlet, problemOf } from './problem.ts';
import { type BodySource, readWhole, type Transport, type TransportResponse } from './transport.ts';

/** A request to a cloudlet, relative to its address. */
export interface HostRequest {
  readonly path: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: BodySource | undefined;
  /** Sent as the body. */
  readonly json?: unknown;
  readonly signal?: AbortSignal | undefined;
}

/** A cloudlet's address with the proof of who asks. */
export interface HostAddress {
  /** `http://localhost:8080`. */
  readonly origin: string;
  /** How bodies are compressed on their way there. */
  readonly compression: Compression;
  /** Sends a request; a problem document is thrown as the error it tells of. */
  readonly send: (request: HostRequest) => Promise<TransportResponse>;
  /** Sends a request and gives the answer as it is, for doors whose answers may have any status. */
  readonly sendRaw: (request: HostRequest) => Promise<TransportResponse>;
  /** Sends a request whose answer is JSON of a known shape. */
  readonly json: <T extends v.GenericSchema>(schema: T, request: HostRequest) => Promise<v.InferOutput<T>>;
  /** Reads JSON of a known shape that came from `path`. */
  readonly parse: <T extends v.GenericSchema>(schema: T, text: string, path: string) => v.InferOutput<T>;
}

/** A list of functions with many exports is the longest answer that is read whole. */
const MAX_JSON_BYTES = 64 * 1024 * 1024;

const NOTHING: Readonly<Record<string, string>> = {};
const JSON_BODY: Readonly<Record<string, string>> = { 'content-type': 'application/json' };

/** Binds a transport to an address; `request-invalid` when the address is none. */
export function connect(
  url: string,
  token: string | undefined,
  transport: Transport,
  compression: Compression = gzipCompression,
): HostAddress {
  const origin = originOf(url);
  const authorization: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const sendRaw = ({ path, method = 'GET', headers, body, json, signal }: HostRequest): Promise<TransportResponse> =>
    transport({
      method,
      url: `${origin}${path}`,
      headers: { ...authorization, ...(json === undefined ? NOTHING : JSON_BODY), ...headers },
      body: json === undefined ? body : new TextEncoder().encode(JSON.stringify(json)),
      signal,
    });
  const send = async (request: HostRequest): Promise<TransportResponse> => {
    const response = await sendRaw(request);
    if (response.status >= 200 && response.status < 300) return response;
    throw await problemOf(response, `${origin}${request.path}`);
  };
  const parse: HostAddress['parse'] = (schema, text, path) => {
    const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), schema), text);
    if (parsed.success) return parsed.output;
    throw notACloudlet(`${origin}${path}`, 'something else than it should be');
  };
  return {
    origin,
    compression,
    send,
    sendRaw,
    parse,
    json: async (schema, request) => {
      const response = await send(request);
      return parse(schema, new TextDecoder().decode(await readWhole(response.body, MAX_JSON_BYTES)), request.path);
    },
  };
}

function originOf(url: string): string {
  const parsed = URL.parse(url);
  if (parsed !== null && (parsed.protocol === 'http:' || parsed.protocol === 'https:')) return parsed.origin;
  throw new CloudletError(
    'request-invalid',
    `expected the address of a cloudlet, such as http://localhost:8080, got ${JSON.stringify(url)}`,
  );
}
