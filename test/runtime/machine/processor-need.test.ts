import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { idleProcessorNs, processorNeedNs, processorQueueNs } from '../../../runtime/machine/processor-need.ts';

const need = suite('what a process needs of processors');

need('grows by what it computes', () => {
  const before = processorNeedNs(process.pid)!;
  const end = performance.now() + 30;
  while (performance.now() < end);
  assert.ok(processorNeedNs(process.pid)! - before >= 20e6);
});

need('is not known of a process that is gone', () => {
  assert.is(processorNeedNs(2 ** 22 + 1), null);
  assert.is(processorQueueNs(2 ** 22 + 1), null);
});

need('has what others held it up by within it', () => {
  const queued = processorQueueNs(process.pid)!;
  assert.ok(queued >= 0 && queued < processorNeedNs(process.pid)!);
});

need('idle time never goes back', () => {
  const before = idleProcessorNs();
  assert.ok(before > 0 && idleProcessorNs() >= before);
});

need.run();
