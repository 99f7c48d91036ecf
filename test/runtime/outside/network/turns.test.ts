import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Turns } from '../../../../runtime/outside/network/turns.ts';

const turns = suite('turns');
const never = new AbortController().signal;

turns('no more run at once than may, and each in its turn', async () => {
  const limited = new Turns(2);
  const begun: number[] = [];
  const gates = Array.from({ length: 5 }, () => Promise.withResolvers<number>());
  const runs = gates.map((gate, at) =>
    limited.run(() => {
      begun.push(at);
      return gate.promise;
    }, never),
  );
  assert.equal([begun, limited.waiting], [[0, 1], 3]);
  gates[1]!.resolve(1);
  await runs[1];
  await Promise.resolve();
  assert.equal(begun, [0, 1, 2]);
  for (const [at, gate] of gates.entries()) gate.resolve(at);
  assert.equal(await Promise.all(runs), [0, 1, 2, 3, 4]);
  assert.equal([begun, limited.waiting], [[0, 1, 2, 3, 4], 0]);
});

turns('one that fails gives its turn on', async () => {
  const limited = new Turns(1);
  const failed = limited.run(() => Promise.reject(new Error('no')), never).catch(() => 'failed');
  assert.equal(await Promise.all([failed, limited.run(async () => 'next', never)]), ['failed', 'next']);
});

turns('who leaves while it waits is not begun and takes nobody’s turn', async () => {
  const limited = new Turns(1);
  const gate = Promise.withResolvers<void>();
  const first = limited.run(() => gate.promise, never);
  const controller = new AbortController();
  let begun = false;
  const left = limited
    .run(async () => {
      begun = true;
    }, controller.signal)
    .catch(() => 'left');
  const third = limited.run(async () => 'third', never);
  controller.abort();
  assert.equal([await left, limited.waiting], ['left', 1]);
  gate.resolve();
  await first;
  assert.equal([await third, begun], ['third', false]);
});

turns.run();
