import { basename, relative, resolve } from 'node:path';
import { typed, UsageError } from './usage-error.ts';
import type { Verb } from './verb.ts';

const verb: Verb = (program) => {
  program
    .command('new <dir>')
    .description('start a function from a template')
    .option('--template <name>', 'typescript-http, typescript-typed, c-command or c-typed')
    .option('--name <name>', "the function's name (default: the directory's)")
    .option('--json', 'print JSON')
    .action(async (directory: string, flags: { template?: string; name?: string; json?: boolean }) => {
      const { isTemplateName, scaffold, TEMPLATES } = await import('../../guest-sdk/build/index.ts');
      const { parseName } = await import('../../guest-sdk/protocol/index.ts');
      if (flags.template === undefined || !isTemplateName(flags.template)) {
        const known = Object.entries(TEMPLATES).map(([template, purpose]) => `  ${template.padEnd(18)}${purpose}`);
        const got = flags.template === undefined ? 'none' : JSON.stringify(flags.template);
        throw new UsageError(`expected --template with one of these, got ${got}\n${known.join('\n')}`);
      }
      const folder = resolve(directory);
      const name = typed(() => parseName(flags.name ?? basename(folder)));
      const files = await scaffold(flags.template, folder, name);
      if (flags.json) return console.log(JSON.stringify({ name, folder, template: flags.template, files }));
      const shown = relative(process.cwd(), folder) || '.';
      for (const file of files) console.log(`  ${shown}/${file}`);
      console.log(`${name} is in ${shown}; publish it with: cloudlet publish ${shown}`);
    });
};

export default verb;
