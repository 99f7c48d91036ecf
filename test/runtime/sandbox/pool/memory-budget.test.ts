import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { MemoryBudget } from '../../../../runtime/sandbox/pool/memory-budget.ts';

const MIB = 1024 * 1024;
const budget = suite('a memory budget');

budget('expects 32 MiB of what it does not know, then what was measured last', () => {
  const memory = new MemoryBudget(100 * MIB);
  const [first, second] = [{}, {}];
  memory.hold(first, 'a');
  assert.equal([memory.usedBytes, memory.excess('a')], [32 * MIB, -36 * MIB]);
  memory.measure(first, 'a', 60 * MIB);
  memory.hold(second, 'a');
  assert.equal([memory.usedBytes, memory.bytesOf(second), memory.estimate('b')], [120 * MIB, 60 * MIB, 32 * MIB]);
  assert.is(memory.excess('b'), 52 * MIB);
  memory.release(first);
  memory.release(first);
  assert.is(memory.usedBytes, 60 * MIB);
});

budget('learns from a measurement that comes after the end, without counting it', () => {
  const memory = new MemoryBudget(100 * MIB);
  memory.measure({}, 'a', 5 * MIB);
  assert.equal([memory.usedBytes, memory.estimate('a')], [0, 5 * MIB]);
  memory.forget('a');
  assert.is(memory.estimate('a'), 32 * MIB);
});

budget.run();
