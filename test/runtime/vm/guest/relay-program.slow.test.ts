import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { deflateRawSync } from 'node:zlib';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { relayProgram } from '../../../../runtime/vm/guest/relay-program.ts';

const SOURCE = fileURLToPath(new URL('../../../../runtime/vm/guest/relay.c', import.meta.url));

const COMPILER = 'clang-19';
const FLAGS = [
  ...['-Os', '-std=c17', '-Wall', '-Wextra', '-Werror', '-static', '-nostdlib', '-ffreestanding'],
  ...['-fno-stack-protector', '-fno-asynchronous-unwind-tables', '-fno-ident', '-fuse-ld=lld'],
  '-Wl,--build-id=none,-z,noseparate-code,-z,norelro,--strip-all',
];

const relay = suite("a VM's first program");

relay('is what its source compiles to', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'cloudlet-relay-'));
  try {
    const output = join(directory, 'relay');
    execFileSync(COMPILER, [...FLAGS, '-o', output, SOURCE]);
    const compiled = await readFile(output);
    const fresh = deflateRawSync(compiled, { level: 9 }).toString('base64');
    assert.ok(
      compiled.equals(relayProgram()),
      `relay.c changed; its ${compiled.length} bytes for PROGRAM in runtime/vm/guest/relay-program.ts are now:\n${fresh}`,
    );
  } finally {
    await rm(directory, { recursive: true });
  }
});

relay('needs no library and no loader', () => {
  const elf = Buffer.from(relayProgram());
  assert.is(elf.toString('latin1', 0, 4), '\x7fELF');
  const programHeaders = Number(elf.readBigUInt64LE(32));
  const kinds = Array.from({ length: elf.readUInt16LE(56) }, (_, index) =>
    elf.readUInt32LE(programHeaders + 56 * index),
  );
  const [dynamic, interpreter] = [2, 3];
  assert.not.ok(kinds.includes(dynamic) || kinds.includes(interpreter), kinds.join(' '));
});

relay.run();
