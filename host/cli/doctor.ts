import { hostConfig, type ServeFlags } from '../config.ts';
import { typed } from './usage-error.ts';
import type { Verb } from './verb.ts';

const MARK = { good: '✓', warning: '!', bad: '✗' } as const;

const verb: Verb = (program, { setStatus }) => {
  program
    .command('doctor')
    .description('what this machine can do, and what is missing, each with its remedy')
    .option('--port <number>', 'port to look at (default 8080)')
    .option('--data <directory>', 'data directory to look at')
    .option('--cache <directory>', 'cache directory to look at')
    .option('--json', 'print JSON')
    .action(async ({ json, ...flags }: ServeFlags & { json?: boolean }) => {
      const { examine } = await import('./examination.ts');
      const findings = await examine(typed(() => hostConfig(flags)));
      const healthy = findings.every((finding) => finding.state !== 'bad');
      setStatus(healthy ? 0 : 1);
      if (json) return console.log(JSON.stringify({ healthy, findings }));
      for (const { what, state, detail, remedy } of findings) {
        console.log(
          `${MARK[state]} ${what.padEnd(14)} ${detail}${remedy === undefined ? '' : `\n${' '.repeat(17)}→ ${remedy}`}`,
        );
      }
    });
};

export default verb;
