// time limit: 600 s

import { testClone } from '../support/golden-lab.ts';
import { isolationBehaviour } from '../support/isolation-behaviour.ts';
import { type Subject, sandboxBehaviour } from '../support/sandbox-behaviour.ts';
import { loadedSandbox } from '../support/sandbox-lab.ts';

const SUBJECT: Subject = {
  name: 'microvm',
  open: async (guest) => loadedSandbox(await testClone(), guest),
  streamBytes: 8 * 1024 * 1024,
};

sandboxBehaviour(SUBJECT);
isolationBehaviour(SUBJECT);
