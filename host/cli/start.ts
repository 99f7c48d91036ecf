import { hostConfig, type ServeFlags } from '../config.ts';
import { withServeFlags } from './serve-flags.ts';
import type { Verb } from './verb.ts';

const verb: Verb = (program) => {
  withServeFlags(program.command('start').description('run a host and publish the examples')).action(
    async (flags: ServeFlags) => {
      const { serve } = await import('../main.ts');
      const serving = await serve(hostConfig(flags));
      const stop = new AbortController();
      void serving.closed.catch(() => undefined).then(() => stop.abort());
      const { publishExamples } = await import('./publish-examples.ts');
      await publishExamples(serving.cloudlet, (line) => console.error(`cloudlet: ${line}`), stop.signal);
      await serving.closed;
    },
  );
};

export default verb;
