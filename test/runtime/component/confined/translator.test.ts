import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type CloudletError, digestOfHex } from '../../../../guest-sdk/protocol/index.ts';
import type { Artifact } from '../../../../runtime/component/artifact.ts';
import { encodeArtifact, encodeRefusal } from '../../../../runtime/component/confined/artifact-stream.ts';
import {
  CONFINED_ENVIRONMENT,
  type ConfinementLimits,
  confinedCommand,
  DEFAULT_CONFINEMENT,
  probeNetworkIsolation,
} from '../../../../runtime/component/confined/confinement.ts';
import { type ConfinedRun, Translator } from '../../../../runtime/component/confined/translator.ts';
import { guest } from '../../../support/guest.ts';

const test = suite('translating in a confined child');
const DIGEST = digestOfHex('1'.repeat(64));
const network = await probeNetworkIsolation();
const CHILD = fileURLToPath(new URL('../../../../runtime/component/confined/child.ts', import.meta.url));
let folder = '';

test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cloudlet-confined-'));
});
test.after(() => rm(folder, { recursive: true, force: true }));

function translated(bytes: Uint8Array, run: ConfinedRun, signal?: AbortSignal): Promise<Artifact> {
  return new Translator('component', run).translate(bytes, DIGEST, signal);
}

/** Runs a program in place of the translator. */
async function misbehave(
  program: string,
  limits: Partial<ConfinementLimits> = {},
  signal?: AbortSignal,
  input = new Uint8Array(8),
): Promise<CloudletError> {
  const entry = join(folder, `${Math.random()}.mjs`);
  await writeFile(entry, program);
  const run = { limits: { ...DEFAULT_CONFINEMENT, ...limits }, network, entry };
  return translated(input, run, signal).then(
    () => {
      throw new Error('expected a refusal');
    },
    (error: CloudletError) => error,
  );
}

/** Source of a program that answers with a refusal whose sentence is the JSON of an expression. */
const answer = (expression: string): string => `
  import * as os from 'node:os'; import * as fs from 'node:fs'; import { spawnSync } from 'node:child_process';
  const attempt = (what) => { try { return String(what()); } catch (error) { return error.code; } };
  const json = Buffer.from(JSON.stringify({ refused: JSON.stringify(${expression}) }));
  const length = Buffer.alloc(4); length.writeUInt32LE(json.length); process.stdout.write(Buffer.concat([length, json]));`;

for (const [what, program, limits, sentence] of [
  ['ends with an error', 'throw new Error("it broke")', {}, /ended by exit status 1 \(Error: it broke\)/],
  ['says nothing', '', {}, /translation is damaged \(expected a head, got 0 bytes/],
  ['says nonsense', 'process.stdout.write("x".repeat(1000))', {}, /translation is damaged/],
  ['says an empty object', 'process.stdout.write(Buffer.from([2, 0, 0, 0, 0x7b, 0x7d]))', {}, /translation is damaged/],
  ['loops', 'for (;;);', { wallMs: 500 }, /longer than 0\.5 s/],
  ['takes too much processor time', 'for (;;);', { cpuSeconds: 1 }, /more processor time/],
  ['hangs', 'setInterval(() => {}, 1000)', { wallMs: 500 }, /longer than 0\.5 s/],
  [
    'takes too much memory in its heap',
    'const all = []; for (;;) all.push(new Array(1000).fill(all.length));',
    { memoryMib: 512 },
    /more memory/,
  ],
  [
    'takes too much memory in buffers',
    'const all = []; for (;;) all.push(Buffer.alloc(1 << 24, 1));',
    { memoryMib: 512 },
    /more memory|ended by/,
  ],
  [
    'never stops writing',
    'const part = Buffer.alloc(1 << 20); const write = () => { while (process.stdout.write(part)); process.stdout.once("drain", write); }; write();',
    {},
    /far larger/,
  ],
] as const)
  test(`a child that ${what} is a refusal of the component`, async () => {
    const error = await misbehave(program, limits);
    assert.is(error.code, 'component-refused', error.message);
    assert.match(error.message, sentence);
  });

test('a child sees nothing of the environment, and can start and write nothing', async () => {
  process.env['CLOUDLET_TEST_SECRET'] = 'secret';
  const { message } = await misbehave(
    answer(`{
      environment: Object.keys(process.env).filter((name) => !['PWD', 'SHLVL', '_', 'OLDPWD'].includes(name)),
      interfaces: Object.keys(os.networkInterfaces()),
      spawn: attempt(() => spawnSync('true').status),
      write: attempt(() => fs.writeFileSync('${folder}/written', 'x')),
      cwd: process.cwd(),
    }`),
  );
  delete process.env['CLOUDLET_TEST_SECRET'];
  const seen = JSON.parse(message) as Record<string, unknown>;
  assert.equal(seen['environment'], ['PATH']);
  assert.is(seen['spawn'], 'ERR_ACCESS_DENIED');
  assert.is(seen['write'], 'ERR_ACCESS_DENIED');
  assert.is(seen['cwd'], '/');
  if (network !== 'none') assert.equal(seen['interfaces'], []);
});

test('an abort kills the child', async () => {
  const controller = new AbortController();
  const started = misbehave('setInterval(() => {}, 1000)', {}, controller.signal);
  controller.abort();
  assert.is((await started).code, 'client-closed');
  assert.is((await misbehave('', {}, controller.signal)).code, 'client-closed');
});

test('a child that does not read its input is no different', async () => {
  const error = await misbehave('process.exit(3)', {}, undefined, new Uint8Array(8 * 1024 * 1024));
  assert.match(error.message, /exit status 3/);
});

test('the real child gives the artifact of a component', async () => {
  const bytes = await readFile(await guest('typed'));
  const artifact = await translated(bytes, { limits: DEFAULT_CONFINEMENT, network });
  assert.equal(artifact.manifest.doors, ['call']);
  assert.is(artifact.modules.length, artifact.manifest.modules.length);
});

test('the real child hands on why a component is refused', async () => {
  const run = { limits: DEFAULT_CONFINEMENT, network };
  const error = await translated(new TextEncoder().encode('GIF89a'), run).then(
    () => null,
    (thrown: CloudletError) => thrown,
  );
  assert.match(error?.message ?? '', /starts with 47 49 46/);
});

test('one that is closed before it was given anything is gone, and was no use', async () => {
  const waiting = new Translator('component', { limits: DEFAULT_CONFINEMENT, network });
  assert.ok(waiting.isUsable);
  await waiting.close();
  await waiting.close();
  assert.not.ok(waiting.isUsable);
});

test('one whose host is gone before it was given anything ends by itself and says nothing', async () => {
  const [file, ...args] = confinedCommand(process.execPath, CHILD, ['component'], DEFAULT_CONFINEMENT, network);
  const child = spawn(file, args, { cwd: '/', env: CONFINED_ENVIRONMENT, stdio: ['ignore', 'pipe', 'inherit'] });
  const said = await text(child.stdout);
  assert.is(said, '');
});

test('an artifact of another component is not taken', async () => {
  const artifact = {
    manifest: {
      format: 1,
      component: digestOfHex('2'.repeat(64)),
      tools: 'x',
      doors: [],
      asynchronous: false,
      imports: [],
      functions: [],
      run: null,
      http: null,
      modules: [],
    },
    glue: '',
    modules: [],
  } as const;
  const bytes = Buffer.concat(encodeArtifact(artifact)).toString('base64');
  const error = await misbehave(`process.stdout.write(Buffer.from('${bytes}', 'base64'))`);
  assert.match(error.message, /of another one/);
  assert.ok(Buffer.concat(encodeRefusal('no')).length > 4);
});

test('the command takes network, privileges and memory away', () => {
  assert.equal(
    confinedCommand('/node', '/child.ts', ['d', 'k'], { memoryMib: 1024, cpuSeconds: 9, wallMs: 1 }, 'namespace'),
    [
      ...['unshare', '--net', '--', '/bin/sh', '-c'],
      'ulimit -c 0; ulimit -f 0; ulimit -n 64; ulimit -S -t 9; ulimit -H -t 14; ulimit -d 1048576; exec "$@"',
      ...['sh', '/node', '--max-old-space-size=512', '--permission', '--allow-fs-read=*'],
      ...['--disable-warning=SecurityWarning', '--no-memory-reducer', '/child.ts', 'd', 'k'],
    ],
  );
});

test.run();
