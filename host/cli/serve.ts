import { hostConfig, type ServeFlags } from '../config.ts';
import { withServeFlags } from './serve-flags.ts';
import type { Verb } from './verb.ts';

const verb: Verb = (program) => {
  withServeFlags(program.command('serve').description('run a host')).action(async (flags: ServeFlags) => {
    const { serve } = await import('../main.ts');
    const serving = await serve(hostConfig(flags));
    await serving.closed;
  });
};

export default verb;
