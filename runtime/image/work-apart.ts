import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { asCloudletError, CloudletError, type ErrorCode } from '../../guest-sdk/protocol/index.ts';

/** How long a process may take to tidy up after it was told to end, milliseconds; then it is killed. */
const GRACE_MS = 30_000;

/** What a process that works apart says, one JSON line each; the last is `done` or `failed`. */
type Message<Result, Progress> =
  | { readonly kind: 'progress'; readonly progress: Progress }
  | { readonly kind: 'done'; readonly result: Result }
  | { readonly kind: 'failed'; readonly code: ErrorCode; readonly message: string };

/** How work is done apart. */
export interface ApartOptions<Progress> {
  /** What the work is for, for sentences: `the base image`. */
  readonly subject: string;
  readonly onProgress?: (progress: Progress) => void;
  readonly signal?: AbortSignal;
}

/**
 * Runs a module in a process of its own, with `options` as JSON, and gives its result: for long work that a host must not do itself. When `signal` aborts, or
 * this process ends however it ends, the other one is told by the end of its stdin; it removes what it has half-made, and ends.
 */
export function workApart<Result, Progress>(
  entry: string,
  options: object,
  { subject, onProgress, signal }: ApartOptions<Progress>,
): Promise<Result> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) return reject(signal.reason);
    const child = spawn(process.execPath, [entry, JSON.stringify(options)], { stdio: ['pipe', 'pipe', 'pipe'] });
    let killing: NodeJS.Timeout | undefined;
    const stop = () => {
      child.stdin.end();
      killing = setTimeout(() => child.kill('SIGKILL'), GRACE_MS);
    };
    signal?.addEventListener('abort', stop, { once: true });
    // It may have ended by itself.
    child.stdin.on('error', () => undefined);
    let last: Message<Result, Progress> | null = null;
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-1000);
    });
    createInterface({ input: child.stdout }).on('line', (line) => {
      const message = JSON.parse(line) as Message<Result, Progress>;
      if (message.kind === 'progress') onProgress?.(message.progress);
      else last = message;
    });
    child.once('error', reject);
    child.once('close', (code, killedBy) => {
      signal?.removeEventListener('abort', stop);
      clearTimeout(killing);
      if (signal?.aborted === true) return reject(signal.reason);
      const end = last as Message<Result, Progress> | null;
      if (end?.kind === 'done') return resolve(end.result);
      if (end?.kind === 'failed') return reject(new CloudletError(end.code, end.message));
      const how = `${killedBy ?? `status ${code}`}: ${said.trim() || 'nothing was said'}`;
      reject(new CloudletError('sandbox-unavailable', `${subject} could not be had; its process ended with ${how}`));
    });
  });
}

/** The other side of `workApart`: does the work with the options that this process was started with, and says how it went. */
export async function doWork<Options, Result, Progress>(
  work: (options: Options, say: (progress: Progress) => void, signal: AbortSignal) => Promise<Result>,
): Promise<void> {
  const say = (message: Message<Result, Progress>) => process.stdout.write(`${JSON.stringify(message)}\n`);
  const left = new AbortController();
  // Who started us holds the other end, and has ended or wants no more.
  process.stdin.on('end', () => left.abort(new Error('nobody waits for it any more'))).resume();
  try {
    const options = JSON.parse(process.argv[2] ?? '') as Options;
    const result = await work(options, (progress) => say({ kind: 'progress', progress }), left.signal);
    say({ kind: 'done', result });
  } catch (error) {
    const { code, message } = asCloudletError(error, 'sandbox-unavailable');
    say({ kind: 'failed', code, message });
  } finally {
    process.stdin.destroy();
  }
}
