import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { deflateRawSync } from 'node:zlib';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { heldFilesLibrary } from '../../../../runtime/machine/confinement/held-files.ts';
import { spawnerProgram } from '../../../../runtime/machine/confinement/spawner.ts';
import { STAND_INS, standInLibrary } from '../../../../runtime/machine/confinement/stand-ins.ts';

const FOLDER = fileURLToPath(new URL('../../../../runtime/machine/confinement/', import.meta.url));

const COMPILER = 'clang-19';
const FLAGS = [
  ...['--target=x86_64-linux-gnu', '-Os', '-std=c17', '-Wall', '-Wextra', '-Werror', '-nostdlib', '-ffreestanding'],
  ...['-fno-stack-protector', '-fno-asynchronous-unwind-tables', '-fno-ident', '-fuse-ld=lld'],
  '-Wl,--build-id=none,-z,noseparate-code,-z,norelro,--strip-all,--hash-style=gnu',
];

const programs = suite('the programs that confine');

/** A library that the loader takes for another one. */
const standsFor = (library: string) => ['-fPIC', '-shared', `-Wl,-soname,${library}`];

for (const [source, own, bytes] of [
  ['held-files', standsFor('libcapstone.so.4'), heldFilesLibrary()],
  ['spawner', ['-static'], spawnerProgram()],
  ...STAND_INS.map((standIn) => {
    const seen = `-Wl,--version-script=${join(FOLDER, standIn.source)}.map`;
    return [standIn.source, [...standsFor(standIn.library), seen], standInLibrary(standIn)] as const;
  }),
] as const) {
  programs(`${source} is what its source compiles to`, async () => {
    const directory = await mkdtemp(join(tmpdir(), 'cloudlet-compile-'));
    try {
      const output = join(directory, source);
      execFileSync(COMPILER, [...FLAGS, ...own, '-o', output, join(FOLDER, `${source}.c`)]);
      const compiled = await readFile(output);
      const fresh = deflateRawSync(compiled, { level: 9 }).toString('base64');
      assert.ok(compiled.equals(bytes), `${source}.c changed; its ${compiled.length} bytes are now:\n${fresh}`);
    } finally {
      await rm(directory, { recursive: true });
    }
  });
}

programs.run();
