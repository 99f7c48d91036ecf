import { formatSize } from './terminal/size.ts';
import { UsageError } from './usage-error.ts';
import type { Verb } from './verb.ts';

interface BuildFlags {
  readonly json?: boolean;
  readonly strip?: boolean;
  readonly command?: string;
  readonly output?: string;
  readonly absent?: string;
}

const verb: Verb = (program, { interruption }) => {
  program
    .command('build [dir]')
    .description('source to component, in <dir>/build')
    .option(
      '--command <line>',
      "builds an existing program by its own means, with a compiler for WebAssembly as $CC: './configure && make'",
    )
    .option('-o, --output <file>', 'the program that the command leaves, below <dir> (default: the only one found)')
    .option(
      '--absent <names>',
      'what WebAssembly cannot have and the program does without, such as network,fork: calls of it fail',
    )
    .option('--strip', 'leave out names of functions and source maps, which only stacks show')
    .option('--json', 'print JSON')
    .action(async (directory: string | undefined, { json, strip = false, command, output, absent }: BuildFlags) => {
      if (command === undefined && (output ?? absent) !== undefined)
        throw new UsageError('expected --output and --absent with --command, whose program they are about');
      const { buildShown } = await import('./build-shown.ts');
      const { project, component, sizeBytes, digest } = await buildShown(directory ?? '.', interruption(), {
        strip,
        program: command === undefined ? undefined : { command, output, absent: absent?.split(',') },
      });
      if (json) return console.log(JSON.stringify({ name: project.name, component, sizeBytes, digest }));
      console.log(`${component}  ${formatSize(sizeBytes)}  ${digest}`);
    });
};

export default verb;
