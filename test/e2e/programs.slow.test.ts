// time limit: 3600 s
import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { pack } from '../../guest-sdk/build/index.ts';
import { createClient } from '../../guest-sdk/client/index.ts';
import { parseName } from '../../guest-sdk/protocol/index.ts';
import { bodyOf } from '../support/cloudlet-lab.ts';
import { type DebianProgram, nativeProgram, programComponent } from '../support/debian-program.ts';
import { HostLab } from '../support/host-lab.ts';

interface Case extends DebianProgram {
  /** How it is asked, with its input, or a file of it beside the native program. */
  readonly asks: readonly { readonly args: readonly string[]; readonly input: () => Promise<Uint8Array> }[];
}

const sample = (path: string) => () => readFile(new URL(`../../examples/${path}`, import.meta.url));
const text = () => sample('photo/src/edges.c')();

/** A picture with smooth and with noisy parts, as PPM. */
async function picture(): Promise<Uint8Array> {
  const [width, height] = [160, 120];
  const pixels = Buffer.alloc(width * height * 3);
  let seed = 7;
  for (let at = 0; at < pixels.length; at += 1) {
    seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
    const pixel = Math.floor(at / 3);
    pixels[at] = (pixel % width) + Math.floor(pixel / width) * (at % 3) + ((seed >> 16) % 24);
  }
  return Buffer.concat([Buffer.from(`P6\n${width} ${height}\n255\n`), pixels]);
}

const nothing = async () => new Uint8Array(0);
const WORDS = 'A cloudlet is one hop away. It reads, and speaks, for you.';

const CASES: readonly Case[] = [
  {
    name: 'gocr',
    package: 'gocr',
    archive: 'gocr_0.52.orig.tar.gz',
    sha256: 'df906463105f5f4273becc2404570f187d4ea52bd5769d33a7a8661a747b8686',
    folder: 'gocr-0.52',
    native: ['gocr', 'libnetpbm11'],
    command: './configure && make',
    asks: [
      { args: ['-'], input: sample('ocr/sample.pbm') },
      { args: ['-f', 'XML', '-'], input: sample('ocr/sample.pbm') },
    ],
  },
  {
    name: 'cwebp',
    package: 'webp',
    archive: 'libwebp_1.2.4.orig.tar.gz',
    sha256: '7bf5a8a28cc69bcfa8cb214f2c3095703c6b73ac5fba4d5480c205331d9494df',
    folder: 'libwebp-1.2.4',
    native: ['webp', 'libwebp7', 'libwebpmux3', 'libwebpdemux2', 'libjpeg62-turbo', 'libpng16-16', 'libtiff6'],
    command: 'cmake -S . -B out -DCMAKE_BUILD_TYPE=Release && cmake --build out --target cwebp',
    asks: [
      { args: ['-quiet', '-q', '80', '-o', '-', '--', '-'], input: picture },
      { args: ['-quiet', '-lossless', '-o', '-', '--', '-'], input: picture },
    ],
  },
  {
    name: 'zstd',
    package: 'zstd',
    archive: 'libzstd_1.5.4+dfsg2.orig.tar.xz',
    sha256: '8cf4bbb65e77ec348d052c8d6230eba66d435bddf64c8b5be2fcb16880c19953',
    folder: 'zstd-1.5.4',
    native: ['zstd'],
    command: 'make -C programs zstd',
    asks: ['-1', '-3', '-19'].map((level) => ({ args: [level, '--single-thread', '-c', '-'], input: text })),
  },
  {
    name: 'flite',
    package: 'flite',
    archive: 'flite_2.2.orig.tar.gz',
    sha256: 'ab1555fe5adc3f99f1d4a1a0eb1596d329fd6d74f1464a0097c81f53c0cf9e5c',
    folder: 'flite-2.2',
    native: ['flite', 'libflite1'],
    command: './configure --with-audio=none && make',
    output: 'bin/flite',
    absent: ['network'],
    asks: [
      { args: ['-voice', 'kal', '-t', WORDS, '/dev/stdout'], input: nothing },
      { args: ['-voice', 'slt', '-t', WORDS, '/dev/stdout'], input: nothing },
    ],
  },
];

const programs = suite<{ folder: string; host: HostLab }>('programs of Debian, unmodified');

programs.before(async (context) => {
  context.folder = await mkdtemp(join(tmpdir(), 'cloudlet-programs-'));
  context.host = await HostLab.open('process');
});
programs.after(async ({ folder, host }) => {
  await host.close();
  await rm(folder, { recursive: true, force: true });
});

for (const program of CASES) {
  programs(`${program.name} gives to the byte what Debian's own gives`, async ({ folder, host }) => {
    const component = await programComponent(program);
    const here = join(folder, program.name);
    const native = await nativeProgram(program, here);
    const limits = { memoryMib: 256, deadlineMs: 300_000, cpuMs: 300_000 };
    const packed = await pack({ component, grant: { limits }, folder: here });

    const client = createClient({ url: host.url, token: host.token });
    const name = parseName(program.name);
    const body = bodyOf(Buffer.concat(packed.pieces));
    let problem: string | undefined = 'it never ended';
    for await (const { state, problem: why } of client.publish(name, body, {
      sizeBytes: packed.sizeBytes,
      mediaType: 'application/x-tar',
    }))
      problem = state === 'ready' ? undefined : why?.detail;
    assert.is(problem, undefined);
    for (const { args, input } of program.asks) {
      const bytes = await input();
      const where = join(here, 'input');
      await writeFile(where, bytes);
      const expected = execFileSync(native.file, withFile(args, join(here, 'output')), {
        ...native,
        cwd: here,
        input: bytes,
      });
      const answer = await client.run(name, args, bytes);
      const pieces: Uint8Array[] = [];
      for await (const piece of answer.body) pieces.push(piece);
      const wanted = args.includes('/dev/stdout') ? await readFile(join(here, 'output')) : expected;
      assert.ok(wanted.length > 20, args.join(' '));
      assert.is(Buffer.compare(Buffer.concat(pieces), wanted), 0, `${program.name} ${args.join(' ')}`);
    }
  });
}

/** The native flite opens its output anew for each part: a file takes that, a pipe does not. */
function withFile(args: readonly string[], file: string): string[] {
  return args.map((arg) => (arg === '/dev/stdout' ? file : arg));
}

programs.run();
