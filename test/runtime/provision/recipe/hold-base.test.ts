import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CloudletError } from '../../../../guest-sdk/protocol/index.ts';
import { holdBase } from '../../../../runtime/provision/recipe/hold-base.ts';
import { VmImageLab } from '../../../support/vm-image-lab.ts';

const held = suite<{ lab: VmImageLab }>('the base that is held');
const { signal } = new AbortController();

held.before.each(async (context) => {
  context.lab = await VmImageLab.open();
});
held.after.each(({ lab }) => lab.close());

held('by default is the one that was used last, never one with a stock kernel', async ({ lab }) => {
  const usual = await lab.make('usual');
  const stock = await lab.make('stock', { stockKernel: true });
  await lab.store.find(stock.digest); // Used last.
  const base = await holdBase(lab.store, 'default', signal);
  assert.is(base.image.digest, usual.digest);
  await base.release();
  const named = await holdBase(lab.store, stock.digest, signal);
  assert.is(named.image.digest, stock.digest, 'unless it is named');
  await named.release();
});

held('is refused with the remedy when there is none', async ({ lab }) => {
  const stock = await lab.make('stock', { stockKernel: true });
  const service = await lab.make('a service', { base: stock });
  for (const base of ['default', service.digest] as const) {
    const error = await holdBase(lab.store, base, signal).catch((why: unknown) => why);
    assert.instance(error, CloudletError);
    assert.is((error as CloudletError).code, 'base-unknown');
    assert.match((error as CloudletError).message, /npx cloudlet vm base build/);
  }
});

held.run();
