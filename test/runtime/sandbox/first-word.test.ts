import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ANSWER_MS, FirstWord } from '../../../runtime/sandbox/first-word.ts';
import { FakeClock } from '../../support/fake-clock.ts';

const words = suite("the first word of a clone's agent");

function lab() {
  const clock = new FakeClock();
  const pong = Promise.withResolvers<void>();
  const [said, asked] = [[] as string[], [] as number[]];
  const word = new FirstWord({
    clock,
    ping: () => {
      asked.push(clock.now());
      return pong.promise;
    },
    silent: (reason) => {
      said.push(reason);
      word.settle(false);
    },
  });
  const begin = () => {
    const call = Promise.withResolvers<void>();
    word.watch({ whenConfirmed: (listener) => void call.promise.then(listener) });
    return call;
  };
  return { clock, pong, said, asked, word, begin };
}

words('is the end of its first invocation, and nothing is asked', async () => {
  const { clock, asked, said, word, begin } = lab();
  begin().resolve();
  assert.ok(await word.heard);
  begin();
  clock.advance(ANSWER_MS * 2);
  assert.equal([asked, said], [[], []]);
});

words('is asked for, once, when the first invocation goes on', async () => {
  const { clock, pong, asked, said, word, begin } = lab();
  begin();
  clock.advance(999);
  begin();
  assert.is(asked.length, 0);
  clock.advance(1);
  assert.is(asked.length, 1);
  pong.resolve();
  assert.ok(await word.heard);
  clock.advance(ANSWER_MS * 2);
  assert.equal([asked.length, said], [1, []]);
});

words('that does not come is told once', async () => {
  const { clock, said, word, begin } = lab();
  const call = begin();
  clock.advance(1000);
  clock.advance(ANSWER_MS - 1);
  assert.equal(said, []);
  clock.advance(1);
  assert.equal(said, [`the agent did not answer within ${ANSWER_MS} ms`]);
  assert.not.ok(await word.heard);
  // The loss ends the invocation, which is no word of the agent's.
  call.resolve();
  assert.not.ok(await word.heard);
});

words('does not come from a sandbox that was lost before', async () => {
  const { clock, pong, said, word, begin } = lab();
  begin();
  clock.advance(1000);
  word.settle(false);
  pong.reject(new Error('lost'));
  clock.advance(ANSWER_MS);
  assert.not.ok(await word.heard);
  assert.equal(said, []);
});

words.run();
