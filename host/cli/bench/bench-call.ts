import type { CloudletClient } from '../../../guest-sdk/client/index.ts';
import { CloudletError, type FunctionName } from '../../../guest-sdk/protocol/index.ts';
import { fileBytes, readArguments } from '../invoke/call-arguments.ts';
import type { Plan } from '../invoke/plan.ts';

/** What each call is given. */
export interface BenchInput {
  readonly input: string | undefined;
  readonly method: string | undefined;
  /** Left out: as calls are shared out. */
  readonly version?: number | undefined;
}

/** The call that a plan is, prepared once and made again and again; it gives what `Server-Timing` says. A status of 500 and above is a failure. */
export async function benchCall(
  client: CloudletClient,
  name: FunctionName,
  plan: Plan,
  { input, method, version }: BenchInput,
): Promise<(signal: AbortSignal) => Promise<string | null>> {
  const bytes = input === undefined || plan.kind === 'call' ? undefined : await fileBytes(input);
  const drained = async (answer: {
    readonly status: number;
    readonly body: AsyncIterable<Uint8Array>;
    readonly header: (field: string) => string | null;
  }) => {
    for await (const _ of answer.body);
    if (answer.status >= 500) throw new CloudletError('guest-trapped', `status ${answer.status}`);
    return answer.header('server-timing');
  };
  switch (plan.kind) {
    case 'run':
      return async (signal) => {
        const answer = await client.run(name, plan.args, bytes, { version, signal });
        const timing = await drained(answer);
        const status = answer.exitStatus() ?? 0;
        if (status !== 0) throw new CloudletError('guest-trapped', `exit status ${status}`);
        return timing;
      };
    case 'http': {
      const verb = method ?? (bytes === undefined ? 'GET' : 'POST');
      return async (signal) =>
        drained(
          await client.request(name, plan.path, {
            method: verb,
            ...(bytes === undefined ? {} : { body: bytes }),
            ...{ version, signal },
          }),
        );
    }
    case 'call': {
      const args = await readArguments(plan.target, plan.words, input);
      return async (signal) => {
        let timing: string | null = null;
        const answered = (header: (field: string) => string | null): void => {
          timing = header('server-timing');
        };
        await client.call(name, plan.target.name, args, { version, signal, answered });
        return timing;
      };
    }
    default:
      return plan satisfies never;
  }
}
