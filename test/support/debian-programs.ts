/**
 * Programs of Debian, by how their own builds are run: what `build --command` is shown on, and what packages are measured with.
 */
import { execFileSync } from 'node:child_process';
import { copyFile, cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { DebianProgram, NativeProgram } from './debian-program.ts';

/** Data files of a program: what its component is granted, and how they are had from Debian's own packages. */
export interface ProgramData {
  readonly files: readonly { readonly path: string; readonly from: string }[];
  /** Writes them below a folder. */
  readonly make: (native: NativeProgram, folder: string) => Promise<void>;
}

/** A text recogniser, which needs no data. */
export const GOCR: DebianProgram = {
  name: 'gocr',
  package: 'gocr',
  archive: 'gocr_0.52.orig.tar.gz',
  sha256: 'df906463105f5f4273becc2404570f187d4ea52bd5769d33a7a8661a747b8686',
  folder: 'gocr-0.52',
  native: ['gocr', 'libnetpbm11'],
  command: './configure && make',
};

/** A codec of pictures. */
export const CWEBP: DebianProgram = {
  name: 'cwebp',
  package: 'webp',
  archive: 'libwebp_1.2.4.orig.tar.gz',
  sha256: '7bf5a8a28cc69bcfa8cb214f2c3095703c6b73ac5fba4d5480c205331d9494df',
  folder: 'libwebp-1.2.4',
  native: ['webp', 'libwebp7', 'libwebpmux3', 'libwebpdemux2', 'libjpeg62-turbo', 'libpng16-16', 'libtiff6'],
  command: 'cmake -S . -B out -DCMAKE_BUILD_TYPE=Release && cmake --build out --target cwebp',
};

/** A compressor. */
export const ZSTD: DebianProgram = {
  name: 'zstd',
  package: 'zstd',
  archive: 'libzstd_1.5.4+dfsg2.orig.tar.xz',
  sha256: '8cf4bbb65e77ec348d052c8d6230eba66d435bddf64c8b5be2fcb16880c19953',
  folder: 'zstd-1.5.4',
  native: ['zstd'],
  command: 'make -C programs zstd',
};

const VOICES = ['awb', 'rms', 'slt'] as const;

/** A speech synthesiser with one small voice linked in; the others, which Debian links in, too, are 8 MB of files. */
export const FLITE: DebianProgram & { readonly data: ProgramData } = {
  name: 'flite',
  package: 'flite',
  archive: 'flite_2.2.orig.tar.gz',
  sha256: 'ab1555fe5adc3f99f1d4a1a0eb1596d329fd6d74f1464a0097c81f53c0cf9e5c',
  folder: 'flite-2.2',
  native: ['flite', 'libflite1'],
  command: './configure --with-audio=none && make VOXES=cmu_us_kal EXTRABINS=',
  output: 'bin/flite',
  absent: ['network'],
  data: {
    files: [{ path: '/voices', from: 'voices' }],
    make: async ({ file, env }, folder) => {
      const voices = join(folder, 'voices');
      await mkdir(voices, { recursive: true });
      for (const voice of VOICES)
        execFileSync(file, ['-voice', voice, '-voicedump', join(voices, `${voice}.flitevox`)], { env });
    },
  },
};

/** A divider of Japanese text into words, in C++, with 53 MB of dictionary, which Debian compiles when it installs it. */
export const MECAB: DebianProgram & { readonly data: ProgramData } = {
  name: 'mecab',
  package: 'mecab',
  archive: 'mecab_0.996.orig.tar.gz',
  sha256: 'e073325783135b72e666145c781bb48fada583d5224fb2490fb6c1403ba69c59',
  folder: 'mecab-0.996',
  native: ['mecab', 'libmecab2', 'mecab-utils', 'mecab-ipadic'],
  command: './configure && make -C src mecab',
  output: 'src/mecab',
  data: {
    files: [{ path: '/dictionary', from: 'dictionary' }],
    make: async ({ folder: native, env }, folder) => {
      const source = join(native, 'usr/share/mecab/dic/ipadic');
      const dictionary = join(folder, 'dictionary');
      await mkdir(dictionary, { recursive: true });
      // What mecab-ipadic-utf8 does when it is installed.
      execFileSync(
        join(native, 'usr/lib/mecab/mecab-dict-index'),
        ['-d', source, '-o', dictionary, '-f', 'EUC-JP', '-t', 'UTF-8'],
        { env, stdio: ['ignore', 'ignore', 'inherit'] },
      );
      const settings = await readFile(join(source, 'dicrc'), 'latin1');
      await writeFile(join(dictionary, 'dicrc'), settings.replaceAll('EUC-JP', 'UTF-8'), 'latin1');
    },
  },
};

const SAMPLE = fileURLToPath(new URL('../../examples/hear/sample.wav', import.meta.url));

/** A speech recogniser of two source packages, with 37 MB of model, and what it is to listen to. */
export const POCKETSPHINX: DebianProgram & { readonly data: ProgramData } = {
  name: 'pocketsphinx_batch',
  package: 'pocketsphinx',
  archive: 'pocketsphinx_0.8+5prealpha+1.orig.tar.gz',
  sha256: 'ef5bb5547e2712bdf571f256490ef42a47962033892efd9d7df8eed7fe573ed9',
  libraries: [
    {
      package: 'libsphinxbase3',
      archive: 'sphinxbase_0.8+5prealpha+1.orig.tar.gz',
      sha256: 'f72bdb59e50b558bed47cc2105777200d2b246a0f328e913de16a9b22f9a246f',
    },
  ],
  folder: '.',
  native: [
    ...['pocketsphinx', 'libpocketsphinx3', 'libsphinxbase3', 'pocketsphinx-en-us'],
    ...['libblas3', 'liblapack3', 'libgfortran5', 'libquadmath0'],
  ],
  // What bison makes is in the archive already.
  command: [
    'cd sphinxbase-5prealpha && ./configure --disable-shared --without-python --without-lapack ac_cv_prog_YACC=:',
    'touch src/libsphinxbase/lm/jsgf_parser.[ch] && make -C src/libsphinxbase && cd ../pocketsphinx-5prealpha',
    './configure --disable-shared --without-python --with-sphinxbase="$PWD/../sphinxbase-5prealpha"',
    'make -C src/libpocketsphinx && make -C src/programs pocketsphinx_batch',
  ].join(' && '),
  data: {
    files: [
      { path: '/model', from: 'model' },
      { path: '/sound', from: 'sound' },
    ],
    make: async ({ folder: native }, folder) => {
      await cp(join(native, 'usr/share/pocketsphinx/model/en-us'), join(folder, 'model'), { recursive: true });
      await mkdir(join(folder, 'sound'), { recursive: true });
      await copyFile(SAMPLE, join(folder, 'sound', 'sample.wav'));
      await writeFile(join(folder, 'sound', 'list'), 'sample\n');
    },
  },
};
