import { resolve } from 'node:path';
import type { TraceRecord } from '../../guest-sdk/build/index.ts';
import { hostConfig, surroundings } from '../config.ts';
import { printable } from './terminal/printable.ts';
import { showProgress } from './terminal/progress.ts';
import { parseDirectory, parseNetwork, parseRequests, parseVariable } from './trace/trace-flags.ts';
import { typed, UsageError } from './usage-error.ts';
import type { Verb } from './verb.ts';

interface TraceFlags {
  readonly dir?: string[];
  readonly env?: string[];
  readonly secret?: string[];
  readonly allowNet?: boolean | string[];
  readonly request?: string[];
  readonly input?: string;
  readonly port?: string;
  readonly output?: string;
  readonly learn?: boolean;
  readonly reset?: boolean;
  readonly write?: boolean;
  readonly json?: boolean;
}

const HELP = `
It runs on this computer, without a boundary, with what its cloudlet.json names and what is allowed here; then it says what was used and
what cloudlet.json would have to be for exactly that. A command's words follow "--":
  npx cloudlet trace . --dir /usr/share/x --env MODE=fast --input photo.jpg -- thumbnail 320
  npx cloudlet trace . greet '"Ada"'
  npx cloudlet trace . --allow-net --request GET /weather      an http function; without --request it is served until Ctrl-C
Several runs together, in whatever order:
  npx cloudlet trace --learn -- one; npx cloudlet trace --learn --write -- another; npx cloudlet trace --reset`;

const verb: Verb = (program, { interruption, passedOn, setStatus }) => {
  program
    .command('trace [what] [export] [json...]')
    .usage('[dir|file] [export] [json...] [options] [-- args...]')
    .description('run a function here, record what it uses, and write the grant that it needs')
    .option('--dir <host:guest>', 'a directory or file that it may read; may come again', collected)
    .option(
      '--env <name=value>',
      'a variable that it is given, of this environment without a value; may come again',
      collected,
    )
    .option('--secret <name=value>', 'the same for one whose value is secret', collected)
    .option('--allow-net [host...]', 'hosts that it may reach (default: all)')
    .option('--request <words...>', 'requests to an http function: [METHOD] PATH')
    .option('--input <file>', 'stdin of a command, body of requests, or a JSON array of all arguments; "-" is stdin')
    .option('--port <port>', 'where an http function is served (default: a free port)')
    .option('-o, --output <file>', 'the project file to write (default: cloudlet.json of the project)')
    .option('--learn', 'together with what earlier runs with --learn saw')
    .option('--reset', 'forget what those saw, and end')
    .option('--write', 'write the grant without asking')
    .option('--json', 'print JSON; what the function answers goes to stderr')
    .addHelpText('after', HELP)
    .action(async (what: string | undefined, target: string | undefined, json: string[], flags: TraceFlags) => {
      const sdk = await import('../../guest-sdk/build/index.ts');
      if (flags.reset === true) {
        const { folder } = await sdk.traceFolder(what ?? '.');
        await sdk.resetTrace(folder);
        return;
      }
      const directories = (flags.dir ?? []).map(parseDirectory);
      const environment = pairs('--env', flags.env);
      const secrets = pairs('--secret', flags.secret);
      const network = parseNetwork(flags.allowNet);
      const requests = parseRequests(flags.request ?? []);
      const port = parsePort(flags.port);
      const signal = interruption();
      const { cacheDir: cache } = typed(() => hostConfig({}));
      const progress = showProgress('trace');
      const trace = await sdk
        .openTrace({
          ...{ what: what ?? '.', directories, environment, secrets, network, cache, signal },
          log: ({ stream, text }) =>
            console.error(stream === 'host' ? `note: ${printable(text)}` : printable(text.trimEnd())),
          onProgress: (event) => {
            if (event.kind === 'stage') return progress.stage(event.sentence);
            progress.clear();
            console.error(printable(event.text.trimEnd()));
          },
        })
        .finally(() => progress.clear());
      try {
        const { runTraced } = await import('./trace/run-traced.ts');
        const words = target === undefined ? [] : [target, ...json];
        const said = { words, passedOn, requests, input: flags.input, port, answersToStderr: flags.json === true };
        const ended = await runTraced(trace, said, signal).then(
          (status) => ({ status }),
          (error: unknown) => ({ error }),
        );
        // What was wrong with the words was not run; what failed was, and what it lacked is to be told.
        if ('error' in ended && (ended.error instanceof UsageError || signal.aborted)) throw ended.error;
        let record: TraceRecord = trace.record();
        if (flags.learn === true) {
          const before = await sdk.readTrace(trace.folder);
          if (before !== null) record = sdk.mergeTraces(before, record);
          await sdk.writeTrace(trace.folder, record);
        }
        const plan = await sdk.planGrant(trace, record, flags.output === undefined ? undefined : resolve(flags.output));
        const { showTrace } = await import('./trace/show-trace.ts');
        await showTrace(plan, record, { ...flags, failed: 'error' in ended });
        if ('error' in ended) throw ended.error;
        setStatus(ended.status);
      } finally {
        await trace.close();
      }
    });
};

const collected = (value: string, before: string[] = []): string[] => [...before, value];

function pairs(flag: string, texts: readonly string[] = []): Record<string, string> {
  return Object.fromEntries(texts.map((text) => parseVariable(flag, text, surroundings().environment)));
}

function parsePort(text: string | undefined): number {
  if (text === undefined) return 0;
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text);
  throw new UsageError(`expected --port with a number from 0 to 65535, got ${JSON.stringify(text)}`);
}

export default verb;
