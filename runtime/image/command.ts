import { execFile } from 'node:child_process';

/** Runs a program to its end and gives what it wrote to standard output; its failure quotes the end of its standard error. */
export function runCommand(
  command: string,
  args: readonly string[],
  options: {
    readonly cwd?: string;
    readonly env?: Readonly<Record<string, string>>;
    readonly signal?: AbortSignal;
  } = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(command, args, { ...options, encoding: 'utf8', maxBuffer: 16 * 1024 * 1024 }, (error, stdout, stderr) => {
      if (error === null) return resolve(stdout);
      const said = stderr.trim().slice(-1000);
      reject(new Error(`${command} ${args[0] ?? ''} failed: ${said || error.message}`, { cause: error }));
    });
  });
}
