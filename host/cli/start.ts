import { collectBeginning } from '../collector.ts';
import { hostConfig, type ServeFlags } from '../config.ts';
import { withServeFlags } from './serve-flags.ts';
import { typed } from './usage-error.ts';
import type { Verb } from './verb.ts';

const verb: Verb = (program) => {
  withServeFlags(program.command('start').description('run a host and publish the examples')).action(
    async (flags: ServeFlags) => {
      const config = typed(() => hostConfig(flags));
      const { serve } = await import('../main.ts');
      const { cloudlet, closed } = await serve(config);
      collectBeginning();
      const stop = new AbortController();
      const ended = closed.finally(() => stop.abort());
      const { publishExamples } = await import('./publish-examples.ts');
      const say = (line: string): void => console.error(`cloudlet: ${line}`);
      await Promise.all([ended, publishExamples({ cloudlet, say, signal: stop.signal })]);
    },
  );
};

export default verb;
