// end to end
import { networkBehaviour } from '../../support/network-behaviour.ts';
import { loadedSandbox, startTestProcess } from '../../support/sandbox-lab.ts';

networkBehaviour({ name: 'process', open: (guest) => loadedSandbox('process', () => startTestProcess(), guest) });
