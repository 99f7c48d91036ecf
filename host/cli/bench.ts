import { clientFor, type HostFlags, withHostFlags } from './host-access/host-flags.ts';
import { Interrupted } from './interruption.ts';
import { planInvocation } from './invoke/plan.ts';
import { printable } from './terminal/printable.ts';
import { UsageError } from './usage-error.ts';
import type { Verb } from './verb.ts';
import { askable, parseVersionedName } from './versions/versioned-name.ts';

interface BenchFlags extends HostFlags {
  readonly concurrency?: string;
  readonly duration?: string;
  readonly calls?: string;
  readonly rps?: string;
  readonly input?: string;
  readonly method?: string;
  readonly json?: boolean;
}

const HELP = `
What is called follows from the words, as with invoke: a /path, an export with JSON arguments (@FILE gives bytes), or a command with
arguments after "--".
NAME@VERSION calls that version, whatever calls are shared out among.
With --rps calls begin at that rate however long they take, and a call's time begins when it was due.`;

const verb: Verb = (program, { interruption, passedOn, setStatus }) => {
  const command = program
    .command('bench <name> [target] [json...]')
    .usage('<name> [export|/path] [json...] [options] [-- args...]')
    .description('call a function again and again: percentiles, a histogram, errors, starts')
    .option('--concurrency <number>', 'calls at once (default 8; with --rps the most, default 256)')
    .option('--duration <seconds>', 'how long (default 10, without --calls)')
    .option('--calls <number>', 'how many calls at most')
    .option('--rps <number>', 'calls begun in a second')
    .option('--input <file>', 'stdin of a command, body of a request, or a JSON array of all arguments; "-" is stdin')
    .option('--method <name>', 'of a request (default GET, with an input POST)')
    .option('--json', 'print JSON')
    .addHelpText('after', HELP);
  withHostFlags(command).action(async (text: string, target: string | undefined, json: string[], flags: BenchFlags) => {
    const named = parseVersionedName(text);
    const { name } = named;
    const { benchFunction } = await import('../../guest-sdk/client/index.ts');
    const { benchCall } = await import('./bench/bench-call.ts');
    const { benchJson, benchText } = await import('./bench/bench-text.ts');
    const callsPerSecond = positive('--rps', flags.rps);
    const concurrency = Math.ceil(
      positive('--concurrency', flags.concurrency) ?? (callsPerSecond === undefined ? 8 : 256),
    );
    const calls = positive('--calls', flags.calls);
    const seconds = positive('--duration', flags.duration) ?? (calls === undefined ? 10 : undefined);
    const signal = interruption();
    const client = await clientFor(flags);
    const { asked: version, ...info } = await askable(client, named, signal);
    const plan = planInvocation(info, target === undefined ? [] : [target, ...json], passedOn);
    const call = await benchCall(client, name, plan, { input: flags.input, method: flags.method, version });
    const result = await benchFunction({
      ...{ call, concurrency, signal },
      ...(callsPerSecond === undefined ? {} : { callsPerSecond }),
      ...(calls === undefined ? {} : { calls: Math.ceil(calls) }),
      ...(seconds === undefined ? {} : { durationMs: seconds * 1000 }),
    });
    console.log(flags.json ? JSON.stringify(benchJson(name, result)) : printable(benchText(result)));
    // What was measured until then is shown all the same.
    if (signal.reason instanceof Interrupted) setStatus(signal.reason.status);
    else if (result.latency.count === 0) setStatus(1);
  });
};

function positive(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (/^\d{1,9}(\.\d{1,3})?$/.test(text) && value > 0 && (flag !== '--concurrency' || value <= 4096)) return value;
  throw new UsageError(
    `expected ${flag} as a number above 0${flag === '--concurrency' ? ', at most 4096' : ''}, got ${JSON.stringify(text)}`,
  );
}

export default verb;
