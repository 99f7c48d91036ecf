import { CloudletError, type FunctionName, parseName } from '../protocol/index.ts';
import { type CloudletClient, createClient } from './client.ts';
import { type BodySource, readWhole, type Transport } from './transport.ts';

/** Longest answer that a test is given, bytes. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

/** Where `cloudlet test` says which function is tested: a global of the process that runs a test file. */
export const UNDER_TEST = Symbol.for('cloudlet.function-under-test');

/** How a function that is tested is reached. */
export interface UnderTest {
  readonly url: string;
  readonly token?: string | undefined;
  readonly name: string;
  readonly transport?: Transport;
}

/** A function as its tests call it: every method runs to the end and gives the whole answer. */
export interface FunctionUnderTest {
  readonly name: FunctionName;
  /** The cloudlet on which it runs. */
  readonly client: CloudletClient;
  /** Calls a typed export; arguments and result are JSON values. */
  readonly call: (target: string, ...args: readonly unknown[]) => Promise<unknown>;
  /** Runs the command with arguments and what it reads. */
  readonly run: (
    args?: readonly string[],
    input?: BodySource | string,
  ) => Promise<{ readonly status: number | null; readonly output: string }>;
  /** Sends a request; a path begins with `/`. */
  readonly request: (
    path: string,
    init?: { readonly method?: string; readonly body?: BodySource | string },
  ) => Promise<{ readonly status: number; readonly text: string; readonly header: (name: string) => string | null }>;
}

/**
 * The function whose tests `cloudlet test` runs, built from its project and published on a cloudlet of the tests' own.
 * `request-invalid` when nothing says which that is, as in a file that is run by something else.
 */
export function functionUnderTest(given?: UnderTest): FunctionUnderTest {
  const under = given ?? (globalThis as { readonly [UNDER_TEST]?: UnderTest })[UNDER_TEST];
  if (under === undefined)
    throw new CloudletError('request-invalid', 'expected a function to test; run this file with: npx cloudlet test');
  const { url, token, transport } = under;
  const client = createClient({ url, token, ...(transport === undefined ? {} : { transport }) });
  const name = parseName(under.name);
  return {
    name,
    client,
    call: (target, ...args) => client.call(name, target, args),
    run: async (args = [], input) => {
      const answer = await client.run(name, args, bytesOf(input));
      const output = new TextDecoder().decode(await readWhole(answer.body, MAX_ANSWER_BYTES));
      return { status: answer.exitStatus(), output };
    },
    request: async (path, { method, body } = {}) => {
      const sent = bytesOf(body);
      const options = { ...(method === undefined ? {} : { method }), ...(sent === undefined ? {} : { body: sent }) };
      const answer = await client.request(name, path, options);
      const text = new TextDecoder().decode(await readWhole(answer.body, MAX_ANSWER_BYTES));
      return { status: answer.status, text, header: answer.header };
    },
  };
}

function bytesOf(body: BodySource | string | undefined): BodySource | undefined {
  return typeof body === 'string' ? new TextEncoder().encode(body) : body;
}
