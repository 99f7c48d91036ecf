import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { KeyedTurns } from '../../../../runtime/provision/recipe/keyed-turns.ts';

const turns = suite('turns by key');

turns('who waits is told, and has a turn whatever becomes of those before', async () => {
  const all = new KeyedTurns();
  const said: string[] = [];
  const gate = Promise.withResolvers<never>();
  const leaving = new AbortController();
  const take = (name: string, key: string, work: () => Promise<string>, signal = new AbortController().signal) =>
    all
      .take(key, signal, work, () => said.push(`${name} waits`))
      .then(
        (value) => said.push(`${name} ${value}`),
        (error: Error) => said.push(`${name} ${error.message}`),
      );
  const first = take('first', 'a', () => gate.promise);
  const left = take('left', 'a', async () => 'done', leaving.signal);
  const second = take('second', 'a', async () => 'done');
  await take('other', 'b', async () => 'done');
  leaving.abort(new Error('left'));
  await left;
  assert.equal(said, ['left waits', 'second waits', 'other done', 'left left']);
  gate.reject(new Error('failed'));
  await Promise.all([first, second]);
  assert.equal(said.slice(4), ['first failed', 'second done']);
  await take('third', 'a', async () => 'done');
  assert.equal(said.slice(6), ['third done'], 'nobody is before it');
});

turns.run();
