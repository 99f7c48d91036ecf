import { spawn } from 'node:child_process';

/** How a program's own build ended, and what it said. */
export interface CommandEnd {
  readonly status: number;
  /** Its last lines. */
  readonly tail: readonly string[];
  /** Lines that say what is wrong, from anywhere in it. */
  readonly complaints: readonly string[];
}

/** How a command is run. */
export interface CommandOptions {
  readonly cwd: string;
  /** Goes before all else on the path. */
  readonly bin: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Told of each line as it comes. */
  readonly onLine: (line: string) => void;
  readonly signal: AbortSignal | undefined;
}

/** Lines of the end that are kept: what people are shown. */
const TAIL_LINES = 30;
/** Complaints that are kept; more do not make it clearer. */
const MAX_COMPLAINTS = 200;
/** Longest line that is kept, in characters: a linker's command line can have a megabyte. */
const MAX_LINE = 2000;
/** How long a build has to end by itself once it was told to, milliseconds. */
const GRACE_MS = 2000;

const COMPLAINT = /\berror:|\bundefined symbol\b|file not found|^(cc|c\+\+): /;

/**
 * Runs a shell's command line to its end, as the leader of a process group that ends with it: make and configure start others, and what they leave
 * behind has two seconds. Only an abort throws.
 */
export function runCommand(command: string, options: CommandOptions): Promise<CommandEnd> {
  const { cwd, bin, environment, onLine, signal } = options;
  const tail: string[] = [];
  const complaints: string[] = [];
  const take = (text: string): void => {
    const line = text.trimEnd().slice(0, MAX_LINE);
    if (line === '') return;
    tail.push(line);
    if (tail.length > TAIL_LINES) tail.shift();
    if (COMPLAINT.test(line) && complaints.length < MAX_COMPLAINTS) complaints.push(line);
    onLine(line);
  };
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const variables = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
    // The path is the shell's to know; with -e a list of commands ends at the first that fails.
    const script = 'PATH="$1:$PATH"; export PATH; set -e; eval "$2"';
    const child = spawn('env', [...variables, 'sh', '-c', script, 'sh', bin, command], {
      cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    for (const stream of [child.stdout, child.stderr]) lines(stream, take);
    const end = (force: NodeJS.Signals) => {
      try {
        process.kill(-child.pid!, force);
      } catch {
        // The group is empty: it has ended.
      }
    };
    let killer: NodeJS.Timeout | undefined;
    const stop = () => {
      end('SIGTERM');
      killer = setTimeout(() => end('SIGKILL'), GRACE_MS);
    };
    signal?.addEventListener('abort', stop, { once: true });
    child.once('error', reject);
    // What it left running in the background holds its output open, and would be waited for.
    child.once('exit', () => {
      const grace = setTimeout(() => {
        end('SIGKILL');
        for (const stream of [child.stdout, child.stderr]) stream.destroy();
      }, GRACE_MS);
      child.once('close', () => clearTimeout(grace));
    });
    child.once('close', (code, by) => {
      clearTimeout(killer);
      signal?.removeEventListener('abort', stop);
      if (signal?.aborted) reject(signal.reason);
      else resolve({ status: by === null ? (code ?? 1) : 128, tail, complaints });
    });
  });
}

function lines(stream: NodeJS.ReadableStream, take: (line: string) => void): void {
  let rest = '';
  stream.setEncoding('utf8');
  stream.on('data', (text: string) => {
    const parts = (rest + text).split(/\r?\n|\r/);
    rest = (parts.pop() ?? '').slice(0, MAX_LINE);
    for (const part of parts) take(part);
  });
  stream.on('end', () => take(rest));
}
