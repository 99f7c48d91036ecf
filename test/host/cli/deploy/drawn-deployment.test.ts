import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { sentSentence } from '../../../../host/cli/deploy/drawn-deployment.ts';

const drawn = suite('what a deployment sent, as people see it');

for (const [sentBytes, totalBytes, wasThere, sentence] of [
  [2000, null, false, '2 KiB'],
  [0, 2_400_000, true, '0 bytes of 2.3 MiB (100 % was there)'],
  [42_000, 2_400_000, true, '41 KiB of 2.3 MiB (98 % was there)'],
  [1_200_000, 2_400_000, false, '1.1 MiB of 2.3 MiB (50 % less by compression)'],
  [552, 552, false, '552 bytes of 552 bytes'],
  [1024, 552, false, '1 KiB for 552 bytes'],
] as const) {
  drawn(`${sentBytes} of ${totalBytes}: ${sentence}`, () => {
    assert.is(sentSentence({ sentBytes, totalBytes, wasThere }), sentence);
  });
}

drawn.run();
