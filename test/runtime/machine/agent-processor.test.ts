import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { agentProcessor } from '../../../runtime/machine/agent-processor.ts';

const processors = suite('the processor of a machine with an agent');

for (const [kind, cpu, words] of [
  ['tcg', 'max', 'max,erms=off,fsrm=off'],
  ['kvm', 'host', 'host'],
] as const) {
  processors(`by ${kind} is ${words}`, () => {
    const accelerator = { kind, cpu, tscKhz: null, qemuVersion: '7.2.22', reason: 'a test' };
    assert.is(agentProcessor(accelerator), words);
  });
}

processors.run();
