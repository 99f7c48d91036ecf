// time limit: 600 s
import { bootTestMachine } from '../support/microvm-lab.ts';
import { sandboxBehaviour } from '../support/sandbox-behaviour.ts';
import { loadedSandbox } from '../support/sandbox-lab.ts';

sandboxBehaviour({
  name: 'microvm',
  open: (guest) => loadedSandbox('microvm', bootTestMachine, guest),
  streamBytes: 8 * 1024 * 1024,
  lateMs: 15_000,
});
