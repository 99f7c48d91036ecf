/**
 * A load generator in a process of its own, so that it never shares a thread with what it measures:
 *
 *     node load.ts '{"port":8080,"connections":8,"warmupMs":1000,"durationMs":3000,"request":"<base64>"}'
 *
 * Each connection sends the request again as soon as its answer is complete, or when it is due. Prints one JSON line of a `LoadResult`.
 */
import { connect } from 'node:net';
import { argv, stdout } from 'node:process';

/** What a load is made of: as many connections as asked for, each of which sends the same request. */
export interface LoadOptions {
  readonly port: number;
  readonly connections: number;
  readonly warmupMs: number;
  readonly durationMs: number;
  /** Requests a second over all connections; left out, each connection sends as fast as it is answered. */
  readonly rps?: number;
  /** The raw HTTP/1.1 request, keep-alive, as base64. */
  readonly request: string;
}

/** What the requests between the end of the warm-up and the end took. */
export interface LoadResult {
  readonly requests: number;
  /** With those of the warm-up. */
  readonly answered: number;
  readonly rps: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Answers whose status was not 200; any makes the figure worthless. */
  readonly bad: number;
}

const options = JSON.parse(argv[2] ?? '') as LoadOptions;
const request = Buffer.from(options.request, 'base64');
/** Between two requests of one connection. */
const betweenMs = options.rps === undefined ? 0 : (1000 * options.connections) / options.rps;
const latencies: number[] = [];
let bad = 0;
let answered = 0;
let measuring = false;
let stopped = false;

/** Drives one keep-alive connection; understands Content-Length and chunked answers. */
function drive(): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(options.port, '127.0.0.1');
    socket.setNoDelay(true);
    let received: Buffer = Buffer.alloc(0);
    let sentAt = 0;
    const send = () => {
      sentAt = performance.now();
      socket.write(request);
    };
    let due = 0;
    const sendWhenDue = () => {
      due += betweenMs;
      const waitMs = due - performance.now();
      if (waitMs > 0) return void setTimeout(send, waitMs);
      send();
      // It should have gone while the one before it was not answered: a server that stalls must not be asked less for it.
      sentAt = due;
    };
    const next = options.rps === undefined ? send : sendWhenDue;
    socket.on('connect', () => {
      due = performance.now() + Math.random() * betweenMs;
      next();
    });
    socket.on('error', (error) => (stopped ? resolve() : reject(error)));
    socket.on('close', () => (stopped ? resolve() : reject(new Error('the server closed a keep-alive connection'))));
    socket.on('data', (chunk) => {
      received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
      const end = answerEnd(received);
      if (end === null) return;
      const took = performance.now() - sentAt;
      answered += 1;
      if (measuring) latencies.push(took);
      if (!/^HTTP\/1\.1 200 /.test(received.toString('latin1', 0, 16))) bad++;
      received = received.subarray(end);
      if (stopped) socket.destroy();
      else next();
    });
  });
}

/** Where the first answer in the bytes ends, or null while it is incomplete. */
function answerEnd(bytes: Buffer): number | null {
  const headEnd = bytes.indexOf('\r\n\r\n');
  if (headEnd < 0) return null;
  const head = bytes.toString('latin1', 0, headEnd).toLowerCase();
  const length = /\r\ncontent-length: *(\d+)/.exec(head);
  if (length) {
    const end = headEnd + 4 + Number(length[1]);
    return bytes.length >= end ? end : null;
  }
  if (!/\r\ntransfer-encoding: *chunked/.test(head)) throw new Error(`an answer without a length: ${head}`);
  let at = headEnd + 4;
  for (;;) {
    const line = bytes.indexOf('\r\n', at);
    if (line < 0) return null;
    const size = Number.parseInt(bytes.toString('latin1', at, line), 16);
    if (size === 0) {
      const end = bytes.indexOf('\r\n\r\n', line);
      return end < 0 ? null : end + 4;
    }
    at = line + 2 + size + 2;
    if (at > bytes.length) return null;
  }
}

const running = Array.from({ length: options.connections }, drive);
await Promise.race([Promise.all(running), new Promise((resolve) => setTimeout(resolve, options.warmupMs))]);
measuring = true;
const started = performance.now();
await Promise.race([Promise.all(running), new Promise((resolve) => setTimeout(resolve, options.durationMs))]);
const seconds = (performance.now() - started) / 1000;
measuring = false;
stopped = true;
// A connection that waits for its next request has nobody to wake it.
await Promise.race([Promise.all(running), new Promise((resolve) => setTimeout(resolve, 2 * betweenMs + 1000))]);

latencies.sort((a, b) => a - b);
const at = (fraction: number) =>
  latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * fraction))] ?? 0;
const result: LoadResult = {
  requests: latencies.length,
  answered,
  rps: Math.round(latencies.length / seconds),
  p50Ms: Number(at(0.5).toFixed(3)),
  p99Ms: Number(at(0.99).toFixed(3)),
  bad,
};
stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(0));
