import type { Verb } from './verb.ts';
import base from './vm/base.ts';
import overlay from './vm/overlay.ts';
import services from './vm/services.ts';
import synthesize from './vm/synthesize.ts';

/** What can be done with VMs, each in a file of its own. */
const PARTS: readonly Verb[] = [base, overlay, services, synthesize];

const verb: Verb = (program, context) => {
  const vm = program.command('vm').description('VMs that run native servers, and the bases that they are made on');
  for (const part of PARTS) part(vm, context);
};

export default verb;
