// end to end
import { limitsBehaviour } from '../../support/limits-behaviour.ts';
import { loadedSandbox, testProcess } from '../../support/sandbox-lab.ts';

limitsBehaviour({
  name: 'process',
  open: (guest, limits) => loadedSandbox(testProcess(2), guest, limits),
  cpuMs: 1500,
  leftMib: 96,
});
