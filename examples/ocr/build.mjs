/** Builds `build/ocr.wasm` of the source of Debian's gocr: `node examples/ocr/build.mjs`. */
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compileForWasi, debianSource, edit } from '../debian.mjs';

const BUILD = fileURLToPath(new URL('build', import.meta.url));
const SOURCE = join(BUILD, 'gocr-0.52');
const CONFIG = join(BUILD, 'config');

await debianSource({
  package: 'gocr',
  archive: 'gocr_0.52.orig.tar.gz',
  sha256: 'df906463105f5f4273becc2404570f187d4ea52bd5769d33a7a8661a747b8686',
  folder: BUILD,
});

// In WebAssembly a call through a pointer of another type traps; this function gives an int.
const JOB = join(SOURCE, 'src/job.c');
await edit(JOB, '(void (*)(void *))free_box', 'free_box_only');
await edit(JOB, '#include "gocr.h"\n', '#include "gocr.h"\nstatic void free_box_only(void *box) { free_box(box); }\n');

await mkdir(CONFIG, { recursive: true });
const have = ['UNISTD_H', 'GETTIMEOFDAY', 'WCHAR_H', 'WCSCHR', 'WCSDUP'].map((name) => `#define HAVE_${name} 1\n`);
await writeFile(join(CONFIG, 'config.h'), have.join(''));

const names = (await readdir(join(SOURCE, 'src'))).filter((name) => name.endsWith('.c') && name !== 'jconv.c');
await compileForWasi({
  files: names.sort().map((name) => join(SOURCE, 'src', name)),
  // There is no dup2 to send its messages elsewhere with, which nobody asks for here.
  flags: ['-I', CONFIG, '-I', join(SOURCE, 'include'), '-Ddup2(from,to)=(-1)'],
  output: join(BUILD, 'ocr.wasm'),
});
