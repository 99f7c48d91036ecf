// time limit: 400 s

import { testClone } from '../support/golden-lab.ts';
import { limitsBehaviour } from '../support/limits-behaviour.ts';
import { loadedSandbox } from '../support/sandbox-lab.ts';

limitsBehaviour({
  name: 'microvm',
  open: async (guest, limits) => loadedSandbox(await testClone(), guest, limits),
  // Where the processor is emulated all takes longer.
  cpuMs: 3000,
  // A machine keeps pages that its guests have freed; it has no more than its size.
  leftMib: 256,
});
