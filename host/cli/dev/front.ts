import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { CloudletError } from '../../../guest-sdk/protocol/index.ts';

/** What a request to a function that is developed came to. */
export interface FrontRequest {
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly ms: number;
}

/** What stands behind the front. */
export interface FrontOptions {
  /** 0 takes a free port. */
  readonly port: number;
  /** The host's address, the name of the function, and who asks. */
  readonly url: string;
  readonly name: string;
  readonly token: string | undefined;
  /** Why an invocation failed, as its log says; null when that says nothing. */
  readonly explain: (invocation: string) => Promise<string | null>;
  readonly onRequest: (request: FrontRequest) => void;
}

/** An address of this computer at which a function that is developed answers by itself, at `/`, without a token. */
export interface Front {
  readonly url: string;
  readonly close: () => Promise<void>;
}

/** Fields of one connection, and those that say who asks here. */
const OWN_FIELDS = new Set([
  'connection',
  'keep-alive',
  'transfer-encoding',
  'upgrade',
  'te',
  'trailer',
  'host',
  'authorization',
]);

/** Longest answer that is looked at to see whether it tells of a failure, bytes. */
const FAILURE_BYTES = 4096;

/** Opens a front on loopback. Throws `conflict` when its port is taken. */
export async function openFront(options: FrontOptions): Promise<Front> {
  const server = createServer((incoming, outgoing) => void serve(options, incoming, outgoing));
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject).listen(options.port, '127.0.0.1', resolve);
  await promise.catch((error: NodeJS.ErrnoException) => {
    const sentence = `port ${options.port} cannot be taken (${error.code}); choose another with --port`;
    throw new CloudletError('conflict', sentence, { cause: error });
  });
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : options.port;
  return {
    url: `http://localhost:${port}`,
    close: async () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** Refuses a port that is taken, with `conflict`. */
export async function checkPort(port: number): Promise<void> {
  const nobody = {
    url: 'http://localhost',
    name: '',
    token: undefined,
    explain: async () => null,
    onRequest: () => {},
  };
  await (await openFront({ ...nobody, port })).close();
}

async function serve(options: FrontOptions, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const { method = 'GET', url: path = '/' } = incoming;
  const began = performance.now();
  const done = (status: number): void => options.onRequest({ method, path, status, ms: performance.now() - began });
  // A page of elsewhere whose name leads here must not speak for whoever develops.
  if (!/^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?$/.test(incoming.headers.host ?? '')) {
    outgoing.writeHead(421, { 'content-type': 'text/plain' }).end('expected localhost as the host of the request\n');
    return done(421);
  }
  if (!isFromHere(incoming.headers.origin)) {
    outgoing.writeHead(403, { 'content-type': 'text/plain' }).end('expected a page of this computer to ask\n');
    return done(403);
  }
  const place = placeBelow(path);
  if (place === null) {
    outgoing.writeHead(400, { 'content-type': 'text/plain' }).end('expected a path as the target of the request\n');
    return done(400);
  }
  const target = new URL(options.url);
  const headers = [...fieldsOf(incoming.rawHeaders), 'host', target.host];
  if (options.token !== undefined) headers.push('authorization', `Bearer ${options.token}`);
  const asked = request({
    hostname: target.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: target.port,
    method,
    path: `/f/${options.name}${place}`,
    headers: headers as unknown as NodeJS.Dict<string>,
  });
  incoming.on('error', () => asked.destroy()).pipe(asked);
  outgoing.on('close', () => asked.destroy());
  asked.on('error', (error) => {
    if (outgoing.headersSent) return void outgoing.destroy();
    outgoing.writeHead(502, { 'content-type': 'text/plain' }).end(`the cloudlet does not answer: ${error.message}\n`);
    done(502);
  });
  asked.on('response', (answer) => void forward(options, incoming, answer, outgoing, done));
}

/** Whether a page asks that this computer serves, on whatever port, or no page at all: one of elsewhere is not who develops. */
function isFromHere(origin: string | undefined): boolean {
  return origin === undefined || /^https?:\/\/(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?$/.test(origin);
}

/**
 * The target of a request as a path that stays below the function's own: the host would resolve `..`, and what is beside the function is not for whoever
 * asks here without a token. Null for what is no path.
 */
export function placeBelow(target: string): string | null {
  const text = target.startsWith('/') ? `http://localhost${target}` : target;
  if (!/^http:\/\//i.test(text) || !URL.canParse(text)) return null;
  const isPlain = target.startsWith('/') && !/[\\.]|%2e/i.test(target.split('?', 1)[0]!);
  const { pathname, search } = new URL(text);
  return isPlain ? target : `${pathname}${search}`;
}

async function forward(
  options: FrontOptions,
  incoming: IncomingMessage,
  answer: IncomingMessage,
  outgoing: ServerResponse,
  done: (status: number) => void,
): Promise<void> {
  const status = answer.statusCode ?? 502;
  outgoing.on('finish', () => done(status));
  const { failure, begun } = await failureIn(answer);
  if (failure === null) {
    outgoing.writeHead(status, fieldsOf(answer.rawHeaders));
    for (const chunk of begun) outgoing.write(chunk);
    // What was looked at may have been all of it.
    if (answer.readableEnded) outgoing.end();
    else answer.on('error', () => outgoing.destroy()).pipe(outgoing);
    return;
  }
  const why = (await options.explain(failure.invocation)) ?? failure.text;
  const html = incoming.headers.accept?.includes('text/html') === true;
  outgoing.writeHead(status, {
    'content-type': html ? 'text/html; charset=utf-8' : 'text/plain; charset=utf-8',
    'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'",
  });
  outgoing.end(html ? page(why) : `${why.trimEnd()}\n`);
}

interface LookedAt {
  /** The invocation and the words of an answer by which a function has failed; null for any other answer. */
  readonly failure: { readonly invocation: string; readonly text: string } | null;
  /** What was read of it. */
  readonly begun: readonly Buffer[];
}

/** Looks at the beginning of an answer that may tell of a failure; of any other nothing is read. */
async function failureIn(answer: IncomingMessage): Promise<LookedAt> {
  const isProblem = answer.headers['content-type']?.startsWith('application/problem+json') === true;
  const isText = answer.headers['content-type']?.startsWith('text/plain') === true;
  if ((answer.statusCode ?? 0) < 500 || !(isProblem || isText)) return { failure: null, begun: [] };
  const begun: Buffer[] = [];
  let bytes = 0;
  // Left before its end the stream goes on where it is.
  for await (const chunk of answer.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    begun.push(chunk);
    bytes += chunk.length;
    if (bytes > FAILURE_BYTES) return { failure: null, begun };
  }
  const text = Buffer.concat(begun).toString();
  if (!isProblem && text !== GUEST_FAILED) return { failure: null, begun };
  const invocation = String(answer.headers['cloudlet-invocation-id'] ?? invocationIn(text));
  return { failure: { invocation, text: isProblem ? detailIn(text) : text }, begun };
}

/** What the guest library answers for a function that has thrown. */
const GUEST_FAILED = 'The function failed; its log says why.\n';

function invocationIn(problem: string): string {
  return /"instance":"\/v1\/invocations\/([\w-]+)"/.exec(problem)?.[1] ?? '';
}

function detailIn(problem: string): string {
  try {
    const { detail } = JSON.parse(problem) as { readonly detail?: unknown };
    return typeof detail === 'string' ? detail : problem;
  } catch {
    return problem;
  }
}

function fieldsOf(raw: readonly string[]): string[] {
  return raw.flatMap((name, at) => (at % 2 === 0 && !OWN_FIELDS.has(name.toLowerCase()) ? [name, raw[at + 1]!] : []));
}

function page(text: string): string {
  const escaped = text.replace(/[&<>]/g, (character) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[character]!);
  return `<!doctype html><meta charset="utf-8"><title>The function failed</title><style>body{font:15px/1.5 system-ui;margin:3rem}pre{background:#8881;padding:1rem;overflow:auto}</style><h1>The function failed</h1><pre>${escaped}</pre>\n`;
}
