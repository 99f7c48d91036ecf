import { parseName } from '../../guest-sdk/protocol/index.ts';
import { clientFor, type HostFlags, withHostFlags } from './host-access/host-flags.ts';
import { looksLikeFile } from './inspect.ts';
import { writeOutput } from './invoke/output.ts';
import { typed, UsageError } from './usage-error.ts';
import type { Verb } from './verb.ts';
import { askable, parseVersionedName } from './versions/versioned-name.ts';

interface TypesFlags extends HostFlags {
  readonly output?: string;
  readonly name?: string;
  readonly json?: boolean;
}

const verb: Verb = (program) => {
  const command = program
    .command('types <what>')
    .description('a typed TypeScript client for a component (a file) or a published function (its name)')
    .option('-o, --output <file>', 'write it there instead of to stdout')
    .option('--name <name>', 'the name that the component is published under; default: that of its file')
    .option('--json', 'print the text in a JSON object, with name and digest');
  withHostFlags(command).action(async (what: string, flags: TypesFlags) => {
    const { typescriptClient } = await import('../../guest-sdk/build/index.ts');
    const { name, digest, exports } = await sourceOf(what, flags);
    if (exports.length === 0)
      throw new UsageError(`expected a function with typed exports, but ${name} has none: it is called by run or http`);
    const typescript = typescriptClient({ name, digest, exports });
    const text = flags.json === true ? `${JSON.stringify({ name, digest, typescript })}\n` : typescript;
    if (flags.output === undefined) process.stdout.write(text);
    else await writeOutput(each(Buffer.from(text)), flags.output);
  });
};

async function* each(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

async function sourceOf(what: string, flags: TypesFlags) {
  if (!looksLikeFile(what)) return askable(await clientFor(flags), parseVersionedName(what));
  const { inspectFile } = await import('./inspect-file.ts');
  const { name, ...inspection } = await inspectFile(what);
  return { ...inspection, name: typed(() => parseName(flags.name ?? name)) };
}

export default verb;
