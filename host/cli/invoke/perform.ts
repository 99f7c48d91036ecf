import { open } from 'node:fs/promises';
import type { Answer, CloudletClient } from '../../../guest-sdk/client/index.ts';
import { CloudletError, decodeBase64, type ExportInfo, type FunctionName } from '../../../guest-sdk/protocol/index.ts';
import { logText } from '../terminal/log-text.ts';
import { UsageError } from '../usage-error.ts';
import { readArguments } from './call-arguments.ts';
import { writeOutput } from './output.ts';
import type { Plan } from './plan.ts';

/** Where the bytes of an invocation come from and go to, and how it may be cut short. */
export interface InvokeSettings {
  /** Left out: stdin for a command, nothing for the other doors. */
  readonly input: string | undefined;
  /** Left out: stdout. */
  readonly output: string | undefined;
  readonly deadlineMs: number | undefined;
  /** Left out: as calls are shared out. */
  readonly version: number | undefined;
  readonly signal: AbortSignal;
}

/** Invokes as planned, writes what comes, and resolves with the exit status. */
export async function perform(
  client: CloudletClient,
  name: FunctionName,
  plan: Plan,
  settings: InvokeSettings,
): Promise<number> {
  switch (plan.kind) {
    case 'run':
      return await performRun(client, name, plan.args, settings);
    case 'http':
      return await performRequest(client, name, plan.path, settings);
    case 'call':
      return await performCall(client, name, plan.target, plan.words, settings);
    default:
      return plan satisfies never;
  }
}

/** The exit status is the command's own; what it wrote to stderr is shown afterwards, from its log. */
async function performRun(
  client: CloudletClient,
  name: FunctionName,
  args: readonly string[],
  { input, output, ...options }: InvokeSettings,
): Promise<number> {
  const answer = await client.run(name, args, await stdin(input), options);
  await writeOutput(answer.body, output);
  await showErrors(client, name, answer, options.signal);
  const status = answer.exitStatus();
  if (status !== null) return status;
  throw new CloudletError(
    'network-unavailable',
    `the exit status of ${name} was lost on the way: something between us and the cloudlet drops HTTP trailers`,
  );
}

/** 1 when the function answers with an error of HTTP. */
async function performRequest(
  client: CloudletClient,
  name: FunctionName,
  path: string,
  { input, output, ...options }: InvokeSettings,
): Promise<number> {
  const sent = input === undefined ? { method: 'GET' } : { method: 'POST', body: await stdin(input) };
  const answer = await client.request(name, path, { ...options, ...sent });
  await writeOutput(answer.body, output);
  if (answer.status < 400) return 0;
  console.error(`cloudlet: ${name} answered ${path} with status ${answer.status}`);
  return 1;
}

/** 1 when the function returns the error of a result. */
async function performCall(
  client: CloudletClient,
  name: FunctionName,
  target: ExportInfo,
  words: readonly string[],
  { input, output, ...options }: InvokeSettings,
): Promise<number> {
  const args = await readArguments(target, words, input);
  const value = await client.call(name, target.name, args, options);
  const failed = isResult(target) && typeof value === 'object' && value !== null && 'err' in value;
  const bytes = failed || output === undefined ? undefined : rawBytes(target, value);
  // A failure is for a person to read: it does not replace the file that was asked for.
  if (bytes !== undefined) await writeOutput(oneChunk(bytes), output);
  else if (target.result !== null) await writeOutput(jsonLine(value), failed ? undefined : output);
  return failed ? 1 : 0;
}

const isResult = ({ result }: ExportInfo): boolean => result !== null && /^result\b/.test(result);

/** The bytes themselves when a call gives nothing but bytes; undefined for any other value, which is written as JSON. */
function rawBytes({ result }: ExportInfo, value: unknown): Uint8Array | undefined {
  if (result === 'list<u8>') return decodeBase64(String(value));
  if (!/^result<list<u8>[,>]/.test(result ?? '')) return undefined;
  return decodeBase64(String((value as { readonly ok?: unknown }).ok));
}

async function* jsonLine(value: unknown): AsyncGenerator<Uint8Array> {
  yield Buffer.from(`${JSON.stringify(value)}\n`);
}

async function* oneChunk(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

/** A file, or with `-` or nothing our own stdin. */
export async function stdin(path: string | undefined): Promise<AsyncIterable<Uint8Array>> {
  if (path !== undefined && path !== '-') {
    const file = await open(path).catch((error: NodeJS.ErrnoException) => {
      throw new UsageError(`expected a file to send with --input, but ${path} cannot be read (${error.code})`);
    });
    return file.createReadStream() as AsyncIterable<Uint8Array>;
  }
  if (process.stdin.isTTY) console.error('cloudlet: stdin is this terminal; end it with Ctrl-D');
  return process.stdin as AsyncIterable<Uint8Array>;
}

async function showErrors(
  client: CloudletClient,
  name: FunctionName,
  { invocation }: Answer,
  signal: AbortSignal,
): Promise<void> {
  for await (const line of client.logs(name, { signal })) {
    if (line.invocation !== invocation) continue;
    if (line.stream === 'stderr') console.error(logText(line));
    // What the host says of how it ended; its notes on the way are for the function's author.
    else if (line.stream === 'host' && line.entry === undefined) console.error(`note: ${logText(line)}`);
  }
}
