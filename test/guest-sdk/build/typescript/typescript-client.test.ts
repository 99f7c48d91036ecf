import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { typescriptClient } from '../../../../guest-sdk/build/index.ts';
import type { ExportInfo } from '../../../../guest-sdk/protocol/index.ts';

const ROOT = fileURLToPath(new URL('../../../..', import.meta.url));
const client = suite('a generated client');

function exported(name: string, params: readonly string[], result: string | null): ExportInfo {
  const [iface] = name.includes('.') ? [name.slice(0, name.lastIndexOf('.'))] : [null];
  const named = params.map((type, at) => ({ name: `value-${at}`, type }));
  return { name, interface: iface, signature: `${name}: func(${params})`, params: named, result };
}

const EXPORTS = [
  exported(
    'images.thumbnail',
    ['list<u8>', 'record { max-width: u32, keep: option<bool> }'],
    'result<list<u8>, enum { too-large, not-an-image }>',
  ),
  exported('sum', ['list<f64>', 'list<string>'], 'f64'),
  exported('count', [], 'u64'),
  exported('delete', ['variant { all, one(string) }', 'flags { dry-run }', 'option<option<u8>>'], null),
  exported('acme:a/first@1.0.0.run', ['tuple<u8, char>'], 'list<u16>'),
  exported('acme:a/second@1.0.0.run', [], 'list<option<string>>'),
  exported('open', ['own<file>'], null),
];

/** Names that mean something to TypeScript or to WIT. */
const KEYWORDS = [
  ...['constructor', 'then', 'static', 'func', 'list', 'delete', 'default', 'interface', 'async', 'prototype'].map(
    (name) => exported(name, ['list<u16>', 'record { list: u8, type: result<u8, string> }'], 'u64'),
  ),
];
const KEYWORD_NAMES = ['promise', 'result', 'record', 'pick', 'typed-function', 'uint16-array', 'class', 'exports'];

const GOOD = `
import type { CloudletClient } from '${ROOT}guest-sdk/client/index.ts';
import { photo } from './photo.ts';
declare const cloudlet: CloudletClient;
const p = photo(cloudlet);
const small = await p.thumbnail(new Uint8Array(), { maxWidth: 3 });
if (small.tag === 'ok') small.val.byteLength satisfies number;
else small.val satisfies 'too-large' | 'not-an-image';
(await p.sum([1, 2], ['a'])) satisfies number;
(await p.sum(new Float64Array(2), [], { deadlineMs: 10 })) satisfies number;
(await p.count()) satisfies bigint;
await p.delete({ tag: 'one', val: 'x' }, { dryRun: true }, { tag: 'none' });
(await p.firstRun([1, 'c'])) satisfies Uint16Array;
(await p.secondRun()) satisfies ReadonlyArray<string | undefined>;
`;

/** Lines that the compiler must refuse, each by itself. */
const WRONG = [
  'await p.thumbnail(new Uint8Array(), {});',
  "await p.thumbnail('bytes', { maxWidth: 3 });",
  'await p.thumbnail(new Uint8Array(), { maxWidth: 3, max: 1 });',
  '(await p.count()) satisfies number;',
  "await p.delete({ tag: 'two' }, {}, { tag: 'none' });",
  'await p.open();',
];

client("is checked by the compiler on the caller's side", async () => {
  const folder = await mkdtemp(join(tmpdir(), 'cloudlet-types-'));
  try {
    const text = typescriptClient({
      name: 'photo',
      digest: 'sha256:00',
      exports: EXPORTS,
      module: `${ROOT}guest-sdk/client/index.ts`,
    });
    await writeFile(join(folder, 'photo.ts'), text);
    await writeFile(join(folder, 'good.ts'), GOOD);
    const head = GOOD.slice(0, GOOD.indexOf('const small'));
    await writeFile(join(folder, 'wrong.ts'), `${head}${WRONG.join('\n')}\n`);
    const first = head.split('\n').length;
    for (const name of KEYWORD_NAMES) {
      const source = { name, digest: 'sha256:00', exports: KEYWORDS, module: `${ROOT}guest-sdk/client/index.ts` };
      await writeFile(join(folder, `${name}.ts`), typescriptClient(source));
    }
    const files = ['photo.ts', 'good.ts', 'wrong.ts', ...KEYWORD_NAMES.map((name) => `${name}.ts`)];
    const options = {
      target: 'esnext',
      module: 'nodenext',
      strict: true,
      exactOptionalPropertyTypes: true,
      noEmit: true,
      allowImportingTsExtensions: true,
      skipLibCheck: true,
      types: ['node'],
      typeRoots: [`${ROOT}node_modules/@types`],
    };
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, files }));
    await writeFile(join(folder, 'package.json'), '{"type":"module"}');
    const output = await new Promise<string>((resolve) => {
      execFile(join(ROOT, 'node_modules/.bin/tsc'), ['-p', folder], (_, stdout) => resolve(stdout));
    });
    const lines = [...output.matchAll(/^\S*wrong\.ts\((\d+),/gm)].map((match) => Number(match[1]) - first);
    const others = output.split('\n').filter((line) => /^\S/.test(line) && !/wrong\.ts/.test(line));
    assert.equal(others, []);
    assert.equal(
      [...new Set(lines)],
      WRONG.map((_, at) => at),
      output,
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

client('says what cannot be called, and the same text for the same exports', () => {
  const text = typescriptClient({ name: 'a-b', digest: 'sha256:00', exports: EXPORTS });
  assert.match(text, /`open: func\(own<file>\)`: cannot be called over HTTP\./);
  assert.match(text, /export function aB\(client: .*, name = "a-b"\): AB \{/);
  assert.is(typescriptClient({ name: 'a-b', digest: 'sha256:00', exports: EXPORTS }), text);
});

client('of a function called then has no method of that name, which would make it a promise', () => {
  const text = typescriptClient({ name: 'a', digest: 'sha256:00', exports: KEYWORDS });
  assert.match(text, / then_\(.*\): Promise<bigint>;/);
  assert.match(text, /then_: \{ target: "then"/);
  assert.not.match(text, / then[(:]/);
});

client.run();
