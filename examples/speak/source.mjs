/** Gets the source that `npx cloudlet build examples/speak` builds, and the voices that it publishes. */
import { execFileSync } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { debianPackages, debianSource } from '../debian.mjs';

const BUILD = fileURLToPath(new URL('build', import.meta.url));
const NATIVE = join(BUILD, 'native');
const VOICES = join(BUILD, 'voices');

await debianSource({
  package: 'flite',
  archive: 'flite_2.2.orig.tar.gz',
  sha256: 'ab1555fe5adc3f99f1d4a1a0eb1596d329fd6d74f1464a0097c81f53c0cf9e5c',
  folder: BUILD,
});

// Its voices are compiled into the native program, which writes them out as the files that the component reads.
await debianPackages(['flite', 'libflite1'], NATIVE);
await mkdir(VOICES, { recursive: true });
const [library] = execFileSync('find', [NATIVE, '-name', 'libflite.so.*'], { encoding: 'utf8' }).split('\n');
const libraries = dirname(library ?? '');
for (const voice of ['awb', 'rms', 'slt']) {
  execFileSync(join(NATIVE, 'usr/bin/flite'), ['-voice', voice, '-voicedump', join(VOICES, `${voice}.flitevox`)], {
    env: { LD_LIBRARY_PATH: libraries },
  });
}
