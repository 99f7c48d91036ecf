// time limit: 400 s

import { limitsBehaviour } from '../support/limits-behaviour.ts';
import { bootTestMachine } from '../support/microvm-lab.ts';
import { loadedSandbox } from '../support/sandbox-lab.ts';

limitsBehaviour({
  name: 'microvm',
  open: (guest, limits) => loadedSandbox({ kind: 'microvm', startMachine: bootTestMachine }, guest, limits),
  // Where the processor is emulated all takes longer.
  cpuMs: 3000,
  // A machine keeps pages that its guests have freed; it has no more than its size.
  leftMib: 256,
});
