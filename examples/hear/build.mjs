/** Builds `build/hear.wasm` and `build/model` of Debian's pocketsphinx: `node examples/hear/build.mjs`. */
import { cp, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compileForWasi, debianPackages, debianSource } from '../debian.mjs';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const BUILD = join(HERE, 'build');
const BASE = join(BUILD, 'sphinxbase-5prealpha');
const SPHINX = join(BUILD, 'pocketsphinx-5prealpha');
const CONFIG = join(BUILD, 'config');

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
await rm(join(BUILD, 'model'), { recursive: true, force: true });
await cp(join(BUILD, 'native/usr/share/pocketsphinx/model/en-us'), join(BUILD, 'model'), { recursive: true });
// Used by searches for phones alone.
await rm(join(BUILD, 'model/en-us-phone.lm.bin'));

await mkdir(CONFIG, { recursive: true });
const config = `#define DEFAULT_RADIX 12
#define SIZEOF_LONG 4
#define SIZEOF_LONG_LONG 8
#define HAVE_LONG_LONG 1
#define HAVE_UNISTD_H 1
#define HAVE_STDINT_H 1
#define HAVE_SYS_TYPES_H 1
#define HAVE_SYS_STAT_H 1
#define HAVE_SNPRINTF 1
#define STDC_HEADERS 1
`;
for (const name of ['config.h', 'sphinx_config.h']) await writeFile(join(CONFIG, name), config);

/** Threads, which WASI 0.1 does not have and nothing here uses, and linear algebra for training alone. */
const LEFT_OUT = /^(sbthread|blas_lite|slapack_lite|slamch|f2c_lite)\.c$/;
const files = [];
for (const folder of [
  ...['util', 'feat', 'lm', 'fe'].map((name) => join(BASE, 'src/libsphinxbase', name)),
  join(SPHINX, 'src/libpocketsphinx'),
]) {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.c') && !LEFT_OUT.test(name));
  files.push(...names.sort().map((name) => join(folder, name)));
}
const includes = [
  ...['include', 'src/libsphinxbase/lm', 'src/libsphinxbase/util'].map((name) => join(BASE, name)),
  ...['include', 'src/libpocketsphinx'].map((name) => join(SPHINX, name)),
].flatMap((folder) => ['-I', folder]);
const emulated = ['mman', 'process-clocks', 'signal'];
await compileForWasi({
  files: [...files, join(HERE, 'src/main.c')],
  flags: [
    ...['-isystem', CONFIG, ...includes, '-DHAVE_CONFIG_H'],
    ...emulated.map((name) => `-D_WASI_EMULATED_${name.toUpperCase().replace('-', '_')}`),
  ],
  libraries: emulated.map((name) => `-lwasi-emulated-${name}`),
  output: join(BUILD, 'hear.wasm'),
});
