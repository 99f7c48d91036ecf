import { CloudletError } from '../../guest-sdk/protocol/index.ts';
import { clientFor, type HostFlags, withHostFlags } from './host-access/host-flags.ts';
import { checkOutput } from './invoke/output.ts';
import { perform } from './invoke/perform.ts';
import { planInvocation } from './invoke/plan.ts';
import { UsageError } from './usage-error.ts';
import type { Verb } from './verb.ts';
import { askable, parseVersionedName } from './versions/versioned-name.ts';

interface InvokeFlags extends HostFlags {
  readonly input?: string;
  readonly output?: string;
  readonly deadline?: string;
}

const HELP = `
A command runs with stdin, stdout and its exit status; its arguments follow "--":
  npx cloudlet invoke photo --input photo.jpg --output small.jpg -- thumbnail 320
A typed export takes one JSON value an argument; @FILE gives a file's bytes to a list<u8>:
  npx cloudlet invoke photo thumbnail @photo.jpg 320 --output small.jpg
NAME@VERSION, by its number or the beginning of its digest, asks that version, whatever calls are shared out among.
An http function is asked for a path, with GET, or with POST and the input as body:
  npx cloudlet invoke hello /greet?name=Ada`;

const verb: Verb = (program, { interruption, passedOn, setStatus }) => {
  const command = program
    .command('invoke <name> [export] [json...]')
    .usage('<name> [export] [json...] [options] [-- args...]')
    .description('call an export, run a command with stdin, or ask an http function')
    .option('--input <file>', 'stdin of a command, body of a request, or a JSON array of all arguments; "-" is stdin')
    .option('-o, --output <file>', 'where the result goes (default: stdout)')
    .option('--deadline <milliseconds>', "a deadline below the function's own")
    .addHelpText('after', HELP);
  withHostFlags(command).action(
    async (text: string, target: string | undefined, json: string[], flags: InvokeFlags) => {
      const named = parseVersionedName(text);
      const { name } = named;
      const deadlineMs = parseDeadline(flags.deadline);
      await checkOutput(flags.output);
      const signal = interruption();
      const client = await clientFor(flags);
      const { asked: version, ...info } = await askable(client, named, signal);
      const plan = planInvocation(info, target === undefined ? [] : [target, ...json], passedOn);
      try {
        setStatus(
          await perform(client, name, plan, { input: flags.input, output: flags.output, deadlineMs, version, signal }),
        );
      } catch (error) {
        throw withLogHint(error, name);
      }
    },
  );
};

/** The reason of a failing guest is in its log. */
function withLogHint(error: unknown, name: string): unknown {
  if (!(error instanceof CloudletError) || error.traits.fault !== 'guest') return error;
  return new CloudletError(error.code, `${error.message} (what it wrote: npx cloudlet logs ${name})`, { cause: error });
}

function parseDeadline(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new UsageError(`expected --deadline in milliseconds, above 0, got ${JSON.stringify(text)}`);
}

export default verb;
