import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { inPlace } from '../../../../runtime/provision/recipe/vm-workshop.ts';
import type { Workshop } from '../../../../runtime/provision/recipe/workshop.ts';

const workshop = suite('a workshop in its place');

for (const [what, begin, end] of [
  ['is closed', async () => ({ close: async () => {} }), 'closed'],
  ['cannot be closed', async () => ({ close: () => Promise.reject(new Error('stuck')) }), 'stuck'],
  ['cannot begin', () => Promise.reject(new Error('no QEMU')), 'no QEMU'],
] as const)
  workshop(`one that ${what} leaves its place`, async () => {
    let released = 0;
    const place = {
      release: async () => {
        released += 1;
      },
    };
    const opened = inPlace(place, begin as () => Promise<Workshop>);
    const ended = opened.then(async (each) => {
      assert.is(released, 0);
      await each.close();
    });
    assert.is(
      await ended.then(
        () => 'closed',
        ({ message }: Error) => message,
      ),
      end,
    );
    assert.is(released, 1);
  });

workshop.run();
