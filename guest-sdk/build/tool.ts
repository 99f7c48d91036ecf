import { spawn } from 'node:child_process';
import { CloudletError } from '../protocol/index.ts';

/** Where a tool runs, what it reads and how it is stopped. */
export interface ToolOptions {
  readonly cwd?: string;
  /** Variables that it has besides those of this process. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Text for the tool's standard input; nothing by default. */
  readonly input?: string;
  readonly signal?: AbortSignal | undefined;
}

/** How a compiler that must succeed is run. */
export interface CompilerOptions extends ToolOptions {
  /** What to add to a failing compiler's words; null adds nothing. */
  readonly hint?: (words: string) => string | null;
}

/** How a tool ended. `status` is null when it could not be started because it is not installed. */
export interface ToolResult {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Longest tool output that is kept, in characters: a compiler can print megabytes of follow-up errors. */
const MAX_OUTPUT = 64 * 1024;

/** Runs a tool to its end and gives how it ended; only an abort or a failed start other than "not installed" throws. */
export function runTool(file: string, args: readonly string[], options: ToolOptions = {}): Promise<ToolResult> {
  return new Promise((resolve, reject) => {
    const [command, words] = withEnvironment(file, args, options.environment);
    const child = spawn(command, words, { cwd: options.cwd, signal: options.signal, stdio: 'pipe' });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      if (stdout.length < MAX_OUTPUT) stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      if (stderr.length < MAX_OUTPUT) stderr += text;
    });
    child.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') resolve({ status: null, stdout, stderr });
      else reject(error);
    });
    child.once('close', (code, signal) => {
      if (signal !== null) stderr += `\n${file} was ended by ${signal}`;
      resolve({ status: code ?? 1, stdout, stderr });
    });
    // A tool that exits without reading closes the pipe; its status tells the story.
    child.stdin.on('error', () => undefined);
    child.stdin.end(options.input ?? '');
  });
}

/** By `env`, so that this process's own variables need not be read here. */
function withEnvironment(
  file: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): [string, readonly string[]] {
  const variables = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
  return variables.length === 0 ? [file, args] : ['env', [...variables, file, ...args]];
}

/**
 * Runs a compiler that must succeed, and gives its warnings.
 * @throws CloudletError `build-failed` carrying the compiler's own words.
 */
export async function runCompiler(
  file: string,
  args: readonly string[],
  options: CompilerOptions = {},
): Promise<string> {
  const { status, stdout, stderr } = await runTool(file, args, options);
  if (status === 0) return stderr.trim();
  const words = stderr.trim() || stdout.trim() || 'it printed nothing';
  const hint = options.hint?.(words) ?? null;
  throw new CloudletError(
    'build-failed',
    `${file} ended with status ${status ?? 'unknown: it is not installed'}:\n${words}${hint === null ? '' : `\n${hint}`}`,
  );
}
