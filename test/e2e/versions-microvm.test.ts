// time limit: 600 s
import { suite } from 'uvu';
import { openLab } from '../support/cloudlet-lab.ts';
import { TEST_CACHE } from '../support/microvm-lab.ts';
import { versionsUnderLoad } from '../support/versions-behaviour.ts';

const versions = suite('versions in machines');

versions('no call fails while versions come, share, go back and go', async () => {
  const lab = await openLab({ sandbox: 'microvm', cacheDir: TEST_CACHE, limits: { machines: 4 } });
  try {
    await versionsUnderLoad(lab.cloudlet, 2, 3);
  } finally {
    await lab.close();
  }
});

versions.run();
