import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { InFlight } from '../../../runtime/sandbox/in-flight.ts';

const flight = suite('what is under way');

flight('is as a Map would have it', () => {
  const [ours, map] = [new InFlight<number, string>(), new Map<number, string>()];
  let seed = 1;
  const random = (below: number) => {
    seed = (seed * 48271) % 0x7fffffff;
    return seed % below;
  };
  for (let step = 0; step < 5_000; step += 1) {
    const key = random(12);
    if (random(3) > 0) {
      ours.set(key, `${step}`);
      map.set(key, `${step}`);
    } else assert.is(ours.delete(key), map.delete(key));
    assert.equal([ours.size, ours.first, ours.keys()], [map.size, map.values().next().value, [...map.keys()]]);
    assert.equal(ours.values(), [...map.values()]);
    assert.equal([ours.get(key), ours.has(key)], [map.get(key), map.has(key)]);
    if (random(500) === 0) {
      ours.clear();
      map.clear();
    }
  }
});

flight('can end while it is looked through', () => {
  const ours = new InFlight<number, number>();
  for (let key = 0; key < 5; key += 1) ours.set(key, key);
  for (const key of ours.keys()) ours.delete(key);
  assert.is(ours.size, 0);
});

flight.run();
