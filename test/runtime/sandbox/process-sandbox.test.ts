// end to end
import { sandboxBehaviour } from '../../support/sandbox-behaviour.ts';
import { loadedSandbox, startTestProcess } from '../../support/sandbox-lab.ts';

sandboxBehaviour({
  name: 'process',
  open: (guest) => loadedSandbox('process', () => startTestProcess(), guest),
  streamBytes: 100 * 1024 * 1024,
  lateMs: 15_000,
});
