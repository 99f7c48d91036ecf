/** Gets the source that `npx cloudlet build examples/words` builds, and the dictionary that it publishes. */
import { execFileSync } from 'node:child_process';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { debianPackages, debianSource } from '../debian.mjs';

const BUILD = fileURLToPath(new URL('build', import.meta.url));
const NATIVE = join(BUILD, 'native');
const DICTIONARY = join(BUILD, 'dictionary');

await debianSource({
  package: 'mecab',
  archive: 'mecab_0.996.orig.tar.gz',
  sha256: 'e073325783135b72e666145c781bb48fada583d5224fb2490fb6c1403ba69c59',
  folder: BUILD,
});

// The dictionary comes as text, and is compiled where it is installed, as here: with Debian's own tool.
await debianPackages(['libmecab2', 'mecab-utils', 'mecab-ipadic'], NATIVE);
await rm(DICTIONARY, { recursive: true, force: true });
await mkdir(DICTIONARY);
const text = join(NATIVE, 'usr/share/mecab/dic/ipadic');
const [library] = execFileSync('find', [NATIVE, '-name', 'libmecab.so.2'], { encoding: 'utf8' }).split('\n');
execFileSync(
  join(NATIVE, 'usr/lib/mecab/mecab-dict-index'),
  ['-d', text, '-o', DICTIONARY, '-f', 'EUC-JP', '-t', 'UTF-8'],
  { env: { LD_LIBRARY_PATH: join(library ?? '', '..') }, stdio: ['ignore', 'ignore', 'inherit'] },
);
const settings = await readFile(join(text, 'dicrc'), 'latin1');
await writeFile(join(DICTIONARY, 'dicrc'), settings.replaceAll('EUC-JP', 'UTF-8'), 'latin1');
await writeFile(join(DICTIONARY, 'mecabrc'), 'dicdir = /dictionary\n');
