import { basename, relative, resolve } from 'node:path';
import { type FunctionName, parseName } from '../../guest-sdk/protocol/index.ts';
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
      if (flags.template === undefined || !isTemplateName(flags.template)) {
        const known = Object.entries(TEMPLATES).map(([template, purpose]) => `  ${template.padEnd(18)}${purpose}`);
        const got = flags.template === undefined ? 'none' : JSON.stringify(flags.template);
        throw new UsageError(`expected --template with one of these, got ${got}\n${known.join('\n')}`);
      }
      const folder = resolve(directory);
      const name = nameFor(folder, flags.name);
      const files = await scaffold(flags.template, folder, name);
      if (flags.json) return console.log(JSON.stringify({ name, folder, template: flags.template, files }));
      const near = relative(process.cwd(), folder) || '.';
      const shown = near.startsWith('..') ? folder : near;
      for (const file of files) console.log(`  ${shown}/${file}`);
      console.log(`${name} is in ${shown}; publish it with: npx cloudlet publish ${shown}`);
    });
};

/** A folder may be called anything, a function may not: then it needs a name of its own. */
function nameFor(folder: string, given: string | undefined): FunctionName {
  try {
    return typed(() => parseName(given ?? basename(folder)));
  } catch (error) {
    if (given !== undefined || !(error instanceof UsageError)) throw error;
    throw new UsageError(`${error.message}; give the function another name than its folder's with --name`, {
      cause: error,
    });
  }
}

export default verb;
