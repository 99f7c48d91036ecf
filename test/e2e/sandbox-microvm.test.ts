// time limit: 600 s

import { isolationBehaviour } from '../support/isolation-behaviour.ts';
import { bootTestMachine } from '../support/microvm-lab.ts';
import { type Subject, sandboxBehaviour } from '../support/sandbox-behaviour.ts';
import { loadedSandbox } from '../support/sandbox-lab.ts';

const SUBJECT: Subject = {
  name: 'microvm',
  open: (guest) => loadedSandbox('microvm', bootTestMachine, guest),
  streamBytes: 8 * 1024 * 1024,
  lateMs: 15_000,
};

sandboxBehaviour(SUBJECT);
isolationBehaviour(SUBJECT);
