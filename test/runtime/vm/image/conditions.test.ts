import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { CloudletError } from '../../../../guest-sdk/protocol/index.ts';
import { expectConditions, whatDiffers } from '../../../../runtime/vm/image/conditions.ts';
import { HERE } from '../../../support/vm-image-lab.ts';

const SAVED = { ...HERE, image: '0'.repeat(64), memoryMib: 384, vcpus: 1, workers: 0, content: null };

const conditions = suite('the conditions of a saved VM');

for (const [what, here] of [
  ['this computer', HERE],
  ['this computer in another boot, which measured a little else', { ...HERE, counterMhz: 2587 }],
] as const) {
  conditions(`fit ${what}`, () => {
    assert.is(whatDiffers(SAVED, here), null);
    expectConditions(SAVED, here);
  });
}

for (const [here, clause] of [
  [{ qemu: '8.2.0' }, 'its QEMU was 7.2.22, here it is 8.2.0'],
  [{ accelerator: 'kvm' }, 'its accelerator was tcg, here it is kvm'],
  [{ processor: 'host' }, 'its processor was max on a processor 0123456789abcdef, here it is host'],
  [{ counterMhz: 2560 }, "its processor's counter, in MHz, was 2596, here it is 2560"],
  [{ counterMhz: null }, "its processor's counter, in MHz, was 2596, here it is none"],
] as const) {
  conditions(`do not fit where ${clause}`, () => {
    assert.is(whatDiffers(SAVED, { ...HERE, ...here }), clause);
    try {
      expectConditions(SAVED, { ...HERE, ...here });
    } catch (error) {
      assert.is((error as CloudletError).code, 'conditions-differ');
      assert.match((error as Error).message, clause);
      return;
    }
    assert.unreachable('they were taken');
  });
}

conditions.run();
