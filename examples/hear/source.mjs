/** Gets the sources that `npx cloudlet build examples/hear` builds, and the model that it publishes. */
import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { debianPackages, debianSource } from '../debian.mjs';

const BUILD = fileURLToPath(new URL('build', import.meta.url));
const MODEL = join(BUILD, 'model');

await debianSource({
  package: 'libsphinxbase3',
  archive: 'sphinxbase_0.8+5prealpha+1.orig.tar.gz',
  sha256: 'f72bdb59e50b558bed47cc2105777200d2b246a0f328e913de16a9b22f9a246f',
  folder: BUILD,
});
await debianSource({
  package: 'pocketsphinx',
  archive: 'pocketsphinx_0.8+5prealpha+1.orig.tar.gz',
  sha256: 'ef5bb5547e2712bdf571f256490ef42a47962033892efd9d7df8eed7fe573ed9',
  folder: BUILD,
});
await debianPackages(['pocketsphinx-en-us'], join(BUILD, 'native'));
await rm(MODEL, { recursive: true, force: true });
await cp(join(BUILD, 'native/usr/share/pocketsphinx/model/en-us'), MODEL, { recursive: true });
// Used by searches for phones alone.
await rm(join(MODEL, 'en-us-phone.lm.bin'));
