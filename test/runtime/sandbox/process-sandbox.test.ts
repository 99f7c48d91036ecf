// end to end
import { isolationBehaviour } from '../../support/isolation-behaviour.ts';
import { type Subject, sandboxBehaviour } from '../../support/sandbox-behaviour.ts';
import { loadedSandbox, testProcess } from '../../support/sandbox-lab.ts';

const SUBJECT: Subject = {
  name: 'process',
  open: (guest) => loadedSandbox(testProcess(), guest),
  streamBytes: 100 * 1024 * 1024,
};

sandboxBehaviour(SUBJECT);
isolationBehaviour(SUBJECT);
