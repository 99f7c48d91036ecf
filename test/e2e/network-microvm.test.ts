// time limit: 600 s

import { testClone } from '../support/golden-lab.ts';
import { networkBehaviour } from '../support/network-behaviour.ts';
import { loadedSandbox } from '../support/sandbox-lab.ts';

networkBehaviour({ name: 'microvm', open: async (guest) => loadedSandbox(await testClone(), guest) });
