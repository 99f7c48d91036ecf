/** Builds `build/speak.wasm` and `build/voices` of Debian's flite: `node examples/speak/build.mjs`. */
import { execFileSync } from 'node:child_process';
import { mkdir, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compileForWasi, debianPackages, debianSource } from '../debian.mjs';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const BUILD = join(HERE, 'build');
const SOURCE = join(BUILD, 'flite-2.2');
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

/** Parts of it that are for other systems, for sound cards, or included by others of its files. */
const LEFT_OUT =
  /^(au_(?!none|streaming)|auclient|auserver|cst_cg_dump|cst_file_(palmos|wince)|cst_mmap_(posix|win32)|cmu_lex_(data_raw|.*huff_table|num_bytes))/;
const FOLDERS = ['audio', 'cg', 'hrg', 'lexicon', 'regex', 'speech', 'stats', 'synth', 'utils', 'wavesynth'].map(
  (name) => join(SOURCE, 'src', name),
);
const LANGUAGE = ['usenglish', 'cmulex'].map((name) => join(SOURCE, 'lang', name));
const files = [];
for (const folder of [...FOLDERS, ...LANGUAGE]) {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.c') && !LEFT_OUT.test(name));
  files.push(...names.sort().map((name) => join(folder, name)));
}
const includes = ['include', 'lang/usenglish', 'lang/cmulex'].flatMap((name) => ['-I', join(SOURCE, name)]);
await compileForWasi({
  files: [...files, join(HERE, 'src/main.c')],
  flags: [...includes, '-DCST_NO_SOCKETS', '-DCST_AUDIO_NONE', '-DNO_UNION_INITIALIZATION'],
  output: join(BUILD, 'speak.wasm'),
});
