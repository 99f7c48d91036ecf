import { formatSize } from './terminal/size.ts';
import type { Verb } from './verb.ts';

const verb: Verb = (program, { interruption }) => {
  program
    .command('build [dir]')
    .description('source to component, in <dir>/build')
    .option('--strip', 'leave out names of functions and source maps, which only stacks show')
    .option('--json', 'print JSON')
    .action(async (directory: string | undefined, { json, strip }: { json?: boolean; strip?: boolean }) => {
      const { buildShown } = await import('./build-shown.ts');
      const { project, component, sizeBytes, digest } = await buildShown(directory ?? '.', interruption(), strip);
      if (json) return console.log(JSON.stringify({ name: project.name, component, sizeBytes, digest }));
      console.log(`${component}  ${formatSize(sizeBytes)}  ${digest}`);
    });
};

export default verb;
