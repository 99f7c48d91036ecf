import * as assert from 'uvu/assert';
import { callIn } from '../support/clone-lab.ts';
import { p3Clones } from '../support/p3-clones.ts';

p3Clones('typed functions', 'typed-p3', async (sandbox) => {
  assert.is(await callIn(sandbox, 'count'), 1);
  assert.is(await callIn(sandbox, 'greet', 'you'), 'hello, you!');
  assert.equal(await callIn(sandbox, 'fail', 'why'), { tag: 'err', val: 'why' });
}).run();
