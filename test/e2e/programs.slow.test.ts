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
import { CWEBP, FLITE, GOCR, MECAB, POCKETSPHINX, type ProgramData, ZSTD } from '../support/debian-programs.ts';
import { HostLab } from '../support/host-lab.ts';

interface Case {
  readonly program: DebianProgram & { readonly data?: ProgramData };
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
    program: GOCR,
    asks: [
      { args: ['-'], input: sample('ocr/sample.pbm') },
      { args: ['-f', 'XML', '-'], input: sample('ocr/sample.pbm') },
    ],
  },
  {
    program: CWEBP,
    asks: [
      { args: ['-quiet', '-q', '80', '-o', '-', '--', '-'], input: picture },
      { args: ['-quiet', '-lossless', '-o', '-', '--', '-'], input: picture },
    ],
  },
  {
    program: ZSTD,
    asks: ['-1', '-3', '-19'].map((level) => ({ args: [level, '--single-thread', '-c', '-'], input: text })),
  },
  {
    program: FLITE,
    asks: ['kal', '/voices/awb.flitevox', '/voices/rms.flitevox', '/voices/slt.flitevox'].map((voice) => ({
      args: ['-voice', voice, '-t', WORDS, '/dev/stdout'],
      input: nothing,
    })),
  },
  {
    program: MECAB,
    asks: [[], ['-Ochasen'], ['-N3'], ['--marginal', '-F', '%m %pb %pw %pC %pP\\n']].map((how) => ({
      args: ['-r', '/dictionary/dicrc', '-d', '/dictionary', ...how],
      input: sample('words/sample.txt'),
    })),
  },
  {
    program: POCKETSPHINX,
    asks: [
      {
        args: [
          ...['-hmm', '/model/en-us', '-lm', '/model/en-us.lm.bin', '-dict', '/model/cmudict-en-us.dict'],
          ...['-adcin', 'yes', '-adchdr', '44', '-cepext', '.wav', '-cepdir', '/sound', '-ctl', '/sound/list'],
          ...['-cmn', 'batch', '-hyp', '/dev/stdout'],
        ],
        input: nothing,
      },
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

for (const { program, asks } of CASES) {
  programs(`${program.name} gives to the byte what Debian's own gives`, async ({ folder, host }) => {
    const { data } = program;
    const component = await programComponent(program);
    const here = join(folder, program.name);
    const native = await nativeProgram(program, here);
    await data?.make(native, here);
    const limits = { memoryMib: 256, deadlineMs: 300_000, cpuMs: 300_000 };
    const packed = await pack({ component, grant: { limits, files: [...(data?.files ?? [])] }, folder: here });

    const client = createClient({ url: host.url, token: host.token });
    const name = parseName(program.name.replaceAll('_', '-'));
    const body = bodyOf(Buffer.concat(packed.pieces));
    let problem: string | undefined = 'it never ended';
    for await (const { state, problem: why } of client.publish(name, body, {
      sizeBytes: packed.sizeBytes,
      mediaType: 'application/x-tar',
    }))
      problem = state === 'ready' ? undefined : why?.detail;
    assert.is(problem, undefined);
    for (const { args, input } of asks) {
      const bytes = await input();
      const where = join(here, 'input');
      await writeFile(where, bytes);
      const own = data?.files.map(({ path, from }) => [path, join(here, from)] as const) ?? [];
      const expected = execFileSync(native.file, nativeWords(args, [...own, ['/dev/stdout', join(here, 'output')]]), {
        ...{ env: native.env, cwd: here, input: bytes, stdio: ['pipe', 'pipe', 'ignore'] },
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

/**
 * The words for the native program, with files of this computer in place of the component's. It opens its output anew for each part: a file takes
 * that, a pipe does not.
 */
function nativeWords(args: readonly string[], places: readonly (readonly [string, string])[]): string[] {
  return args.map((arg) => {
    const [path, place] = places.find(([each]) => arg === each || arg.startsWith(`${each}/`)) ?? ['', ''];
    return place + arg.slice(path.length);
  });
}

programs.run();
