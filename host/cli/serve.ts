import { collectBeginning } from '../collector.ts';
import { hostConfig, type ServeFlags } from '../config.ts';
import { withServeFlags } from './serve-flags.ts';
import { typed } from './usage-error.ts';
import type { Verb } from './verb.ts';

const verb: Verb = (program) => {
  withServeFlags(program.command('serve').description('run a host')).action(async (flags: ServeFlags) => {
    const config = typed(() => hostConfig(flags));
    const { serve } = await import('../main.ts');
    const serving = await serve(config);
    collectBeginning();
    await serving.closed;
  });
};

export default verb;
