import { basename, relative, resolve } from 'node:path';
import { type FunctionName, parseName } from '../../guest-sdk/protocol/index.ts';
import { askForTemplate, parseTemplate, templateList } from './template-choice.ts';
import { typed, UsageError } from './usage-error.ts';
import type { Verb } from './verb.ts';

const verb: Verb = (program, { interruption }) => {
  program
    .command('new <dir>')
    .description('start a function from a template')
    .option('--template <name>', 'one of the list below; asked for at a terminal')
    .option('--name <name>', "the function's name (default: the directory's)")
    .option('--json', 'print JSON')
    .addHelpText('after', `\nTemplates:\n${templateList()}`)
    .action(async (directory: string, flags: { template?: string; name?: string; json?: boolean }) => {
      const { scaffold } = await import('../../guest-sdk/build/index.ts');
      const folder = resolve(directory);
      const asks = flags.template === undefined && process.stdin.isTTY === true && process.stderr.isTTY === true;
      const given = asks ? null : parseTemplate(flags.template);
      const name = nameFor(folder, flags.name);
      const template =
        given ?? (await askForTemplate({ input: process.stdin, output: process.stderr }, interruption()));
      const files = await scaffold(template, folder, name);
      if (flags.json) return console.log(JSON.stringify({ name, folder, template, files }));
      const near = relative(process.cwd(), folder) || '.';
      const shown = near.startsWith('..') ? folder : near;
      for (const file of files) console.log(`  ${shown}/${file}`);
      console.log(`${name} is in ${shown}; see it at work, changed as you save: npx cloudlet dev ${shown}`);
      console.log(`publish it with: npx cloudlet publish ${shown}`);
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
