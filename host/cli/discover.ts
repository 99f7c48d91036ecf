import { printable } from './terminal/printable.ts';
import { table } from './terminal/table.ts';
import { UsageError } from './usage-error.ts';
import type { Verb } from './verb.ts';

/** Longest wait that makes sense: who has not answered by then is not there. */
const MAX_SECONDS = 3600;

const verb: Verb = (program, { interruption }) => {
  program
    .command('discover')
    .description('find cloudlets on this network')
    .option('--timeout <seconds>', 'how long to listen (default 2)')
    .option('--json', 'print JSON')
    .action(async ({ timeout = '2', json }: { timeout?: string; json?: boolean }) => {
      const seconds = Number(timeout);
      if (!/^\d+(\.\d+)?$/.test(timeout) || seconds === 0 || seconds > MAX_SECONDS) {
        throw new UsageError(`expected --timeout in seconds, above 0, got ${JSON.stringify(timeout)}`);
      }
      const { discover } = await import('../../guest-sdk/client/mdns.ts');
      const signal = interruption();
      const cloudlets = await discover({ timeoutMs: seconds * 1000, signal });
      signal.throwIfAborted();
      if (json) return console.log(JSON.stringify({ cloudlets }));
      if (cloudlets.length === 0) {
        return console.error(
          'no cloudlet on this network; one that serves it is started with: npx cloudlet serve --bind 0.0.0.0',
        );
      }
      const rows = cloudlets.map(({ name, url, facts }) => [printable(name), facts.id, facts.version, url]);
      console.log(table([['NAME', 'ID', 'VERSION', 'ADDRESS'], ...rows]).join('\n'));
    });
};

export default verb;
