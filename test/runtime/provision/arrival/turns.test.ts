import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Turns } from '../../../../runtime/provision/arrival/turns.ts';

const turns = suite('turns');

/** So many, each of which comes when the test says so. */
function listed(count: number) {
  const asked: string[] = [];
  const come = new Map<string, () => void>();
  const fail = new Map<string, (error: Error) => void>();
  const list = Array.from({ length: count }, (_, at) => ({
    take: (urgent: boolean): Promise<void> => {
      const name = `${at}${urgent ? '!' : ''}`;
      asked.push(name);
      return new Promise((resolve, reject) => {
        come.set(name, resolve);
        fail.set(name, reject);
      });
    },
  }));
  const settle = async () => {
    for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
  };
  return {
    asked,
    list,
    comes: async (name: string) => {
      come.get(name)!();
      await settle();
    },
    fails: async (name: string, error: Error) => {
      fail.get(name)!(error);
      await settle();
    },
  };
}

turns('are asked for six at once, in their order, and are over when all have come', async () => {
  const { asked, list, comes } = listed(7);
  const all = new Turns(list).all();
  assert.equal(asked, ['0', '1', '2', '3', '4', '5']);
  await comes('1');
  assert.is(asked.at(-1), '6');
  for (const name of ['0', '2', '3', '4', '5', '6']) await comes(name);
  await all;
  await new Turns([]).all();
});

turns(
  'that are wanted are asked for at once and once, and the order goes on behind them, then from the beginning',
  async () => {
    const { asked, list, comes } = listed(12);
    const each = new Turns(list);
    void each.all();
    each.want(9);
    each.want(9);
    each.want(0);
    assert.equal(asked.slice(6), ['11!', '10!', '9!', '0!']);
    await comes('0!');
    each.want(0);
    each.want(9);
    each.want(8);
    assert.equal(asked.slice(10), ['8!']);
    for (const name of ['0', '1', '2', '3']) await comes(name);
    assert.equal(asked.slice(11), ['6', '7']);
  },
);

turns('behind a wanted one come as if they were: who reads it reads on', async () => {
  const { asked, list, comes } = listed(12);
  const each = new Turns(list);
  void each.all();
  each.want(4);
  assert.equal(asked.slice(6), ['6!', '5!', '4!']);
  await comes('4!');
  assert.is(asked.length, 9);
  await comes('5!');
  assert.equal(asked.slice(9), ['7!']);
  // Elsewhere: what was asked for ahead is still to come, and then it goes on there.
  each.want(0);
  assert.equal(asked.slice(10), ['0!']);
  await comes('6!');
  await comes('7!');
  assert.equal(asked.slice(11), ['1!', '2!']);
});

turns('end with the first that does not come, and nothing is asked for after that', async () => {
  const { asked, list, comes, fails } = listed(9);
  const each = new Turns(list);
  const failure = new Error('it left');
  const ended = each.all().catch((error: unknown) => error);
  await fails('2', failure);
  assert.is(await ended, failure);
  await comes('0');
  each.want(8);
  assert.is(asked.length, 6);
});

turns.run();
