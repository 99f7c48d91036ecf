// time limit: 600 s

import { bootTestMachine } from '../support/microvm-lab.ts';
import { networkBehaviour } from '../support/network-behaviour.ts';
import { loadedSandbox } from '../support/sandbox-lab.ts';

networkBehaviour({ name: 'microvm', open: (guest) => loadedSandbox('microvm', bootTestMachine, guest) });
