// end to end
import { networkBehaviour } from '../../support/network-behaviour.ts';
import { loadedSandbox, testProcess } from '../../support/sandbox-lab.ts';

networkBehaviour({ name: 'process', open: (guest) => loadedSandbox(testProcess(), guest) });
