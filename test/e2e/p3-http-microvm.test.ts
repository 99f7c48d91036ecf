import * as assert from 'uvu/assert';
import { getIn } from '../support/clone-lab.ts';
import { p3Clones } from '../support/p3-clones.ts';

p3Clones('an http handler', 'http-p3', async (sandbox) => {
  assert.equal([await getIn(sandbox, '/count'), await getIn(sandbox, '/hello')], ['1', 'hello\n']);
  const several = await Promise.all(Array.from({ length: 8 }, () => getIn(sandbox, '/hello')));
  assert.equal(several, Array(8).fill('hello\n'));
}).run();
