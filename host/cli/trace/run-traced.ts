import { openDoor, type Trace, type TracedRequest, traceRequest } from '../../../guest-sdk/build/index.ts';
import { CloudletError, describeExport } from '../../../guest-sdk/protocol/index.ts';
import { readArguments } from '../invoke/call-arguments.ts';
import { writeOutput } from '../invoke/output.ts';
import { stdin } from '../invoke/perform.ts';
import { planInvocation } from '../invoke/plan.ts';
import { printable } from '../terminal/printable.ts';

/** What is to be run, as it was said. */
export interface TracedWords {
  readonly words: readonly string[];
  readonly passedOn: readonly string[];
  readonly requests: readonly TracedRequest[];
  readonly input: string | undefined;
  readonly port: number;
  /** Where answers go: not to stdout when that is for data about them. */
  readonly answersToStderr: boolean;
}

/** Runs a traced component as it was said, and gives its exit status. An http function without a request is served until the signal fires. */
export async function runTraced(trace: Trace, said: TracedWords, signal: AbortSignal): Promise<number> {
  const { description } = trace.recorder;
  const { words, passedOn, requests, input } = said;
  if (requests.length > 0) return all(requests, (each) => request(trace, each, said, signal));
  const isUnsaid = words.length === 0 && passedOn.length === 0;
  if (isUnsaid && description.doors.includes('http') && !description.doors.includes('run'))
    return serve(trace, said, signal);
  const exports = description.functions.map(describeExport);
  const plan = planInvocation({ name: trace.name, doors: [...description.doors], exports }, words, passedOn);
  switch (plan.kind) {
    case 'run': {
      const body = await stdin(input);
      const invocation = await trace.recorder.invoke({ door: 'run', arguments: plan.args }, body, { signal });
      await write(invocation.output, said);
      return (await invocation.done).exitCode;
    }
    case 'http':
      return request(trace, { method: input === undefined ? 'GET' : 'POST', path: plan.path }, said, signal);
    case 'call': {
      const args = await readArguments(plan.target, plan.words, input);
      const formats = { argumentFormat: 'json', resultFormat: 'json' } as const;
      const { value } = await trace.recorder.call(plan.target.name, args, { ...formats, signal });
      if (plan.target.result !== null) await write(line(value), said);
      return typeof value === 'object' && value !== null && 'err' in value ? 1 : 0;
    }
    default:
      return plan satisfies never;
  }
}

async function request(trace: Trace, asked: TracedRequest, said: TracedWords, signal: AbortSignal): Promise<number> {
  const body = said.input === undefined ? {} : { body: await stdin(said.input) };
  const { head, output, done } = await traceRequest(trace, { ...asked, ...body }, signal);
  await write(output, said);
  await done;
  const status = head?.status ?? 0;
  if (status < 400) return 0;
  console.error(`cloudlet: ${trace.name} answered ${asked.method} ${printable(asked.path)} with status ${status}`);
  return 1;
}

async function serve(trace: Trace, { port }: TracedWords, signal: AbortSignal): Promise<number> {
  const door = await openDoor(trace, { port, answered: (text) => console.error(printable(text)) }).catch(
    (error: NodeJS.ErrnoException) => {
      const reason = error.code === 'EADDRINUSE' ? `port ${port} is taken; give another with --port` : error.message;
      throw new CloudletError('conflict', `the traced function cannot be served: ${reason}`, { cause: error });
    },
  );
  console.error(`${trace.name} is recorded at ${door.url}; end with Ctrl-C`);
  try {
    if (!signal.aborted)
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
  } finally {
    await door.close();
  }
  return 0;
}

async function all<Item>(items: readonly Item[], run: (item: Item) => Promise<number>): Promise<number> {
  let status = 0;
  for (const item of items) status = Math.max(status, await run(item));
  return status;
}

async function write(body: AsyncIterable<Uint8Array>, { answersToStderr }: TracedWords): Promise<void> {
  if (!answersToStderr) return writeOutput(body, undefined);
  for await (const chunk of body) process.stderr.write(chunk);
}

async function* line(value: unknown): AsyncGenerator<Uint8Array> {
  yield Buffer.from(`${JSON.stringify(value)}\n`);
}
