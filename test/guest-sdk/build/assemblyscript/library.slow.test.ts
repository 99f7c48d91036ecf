import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type BuildProgress, build, openBuilder } from '../../../../guest-sdk/build/index.ts';
import type { CloudletError } from '../../../../guest-sdk/protocol/index.ts';
import { BuiltFunction } from '../../../support/built-function.ts';
import { tryTally } from '../../../support/importing-world.ts';

const library = suite('the library of a function in AssemblyScript');
let folder = '';

library.before.each(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cloudlet-as-'));
});
library.after.each(() => rm(folder, { recursive: true }));

const write = async (project: object, files: Readonly<Record<string, string>>): Promise<string> => {
  const file = JSON.stringify({ name: 'x', language: 'assemblyscript', entry: 'f.ts', ...project });
  for (const [name, text] of Object.entries({ ...files, 'cloudlet.json': file })) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), text);
  }
  return folder;
};

const used = async <T>(work: (fn: BuiltFunction) => Promise<T>): Promise<T> => {
  const fn = await BuiltFunction.open(folder);
  try {
    return await work(fn);
  } finally {
    await fn.close();
  }
};

const failure = async (work: Promise<unknown>): Promise<CloudletError> =>
  work.then(
    () => assert.unreachable('expected a failure'),
    (error) => error,
  ) as Promise<CloudletError>;

const HTTP = `import { Request, Response } from 'cloudlet';
export function handle(request: Request): Response {
  if (request.pathname == '/bad') return Response.text('').with('a b', 'c');
  if (request.pathname == '/status') return Response.text('').of(1000);
  if (request.pathname == '/query') return Response.text(request.parameter('a b')! + '|' + request.parameter('c')!);
  console.log('seen');
  const test = request.header('X-Test');
  const seen = request.method + ' ' + request.pathname + ' ' + request.query + ' ' + (test === null ? '-' : test);
  return new Response(request.body).of(request.method == 'POST' ? 201 : 202).with('x-seen', seen);
}
`;

library('serves HTTP with bodies of any size, headers, queries, and any method and status', async () => {
  await write({ kind: 'http' }, { 'f.ts': HTTP });
  await used(async (fn) => {
    const body = Buffer.alloc(300_000, 'cloudlet');
    const posted = await fn.http('/a/b?c=d', { method: 'POST', headers: { 'x-test': 'yes' }, body });
    assert.is(posted.status, 201);
    assert.ok(body.equals(posted.body));
    assert.is(new Map(posted.headers).get('x-seen'), 'POST /a/b c=d yes');
    assert.match(Buffer.from(posted.log.stderr).toString(), /^seen$/m);
    const odd = await fn.http('/', { method: 'PROPFIND' });
    assert.equal([odd.status, odd.text], [202, '']);
    assert.is(new Map(odd.headers).get('x-seen'), 'PROPFIND /  -');
    for (const [query, text] of [
      ['a+b=%C3%A4&c=1', 'ä|1'],
      ['a%20b&c=%zz%', '|%zz%'],
      ['x=%20&a%20b=%F0%9F%98%80&c=%ff', '😀|'],
    ] as const)
      assert.ok((await fn.http(`/query?${query}`)).text.startsWith(text), query);
    for (const path of ['/bad', '/status', '/query'])
      assert.is((await failure(fn.http(path))).code, 'guest-trapped', path);
    assert.is((await fn.http('/')).status, 202, 'a trap is of one request alone');
  });
});

const COMMAND = `import { exit, readText, stdin, stdout, variable } from 'cloudlet';
export function main(args: Array<string>): i32 {
  if (args.length == 0) { stdout.bytes(stdin.bytes()); return 0; }
  if (args[0] == 'status') return 7;
  if (args[0] == 'exit') { stdout.text('before'); exit(9); }
  if (args[0] == 'variable') { const value = variable(args[1]); stdout.line(value === null ? 'none' : value); return 0; }
  if (args[0] == 'file') { const text = readText(args[1]); stdout.line(text === null ? 'none' : text); return 0; }
  if (args[0] == 'fail') { assert(args.length > 1, 'expected a word'); return 0; }
  const first = stdin.line();
  stdout.line('first ' + (first === null ? 'none' : first) + ', rest ' + stdin.text());
  return 0;
}
`;

library('reads and writes streams of any size, and ends with its exact status', async () => {
  await write({ kind: 'command', environment: { MODE: 'fast' } }, { 'f.ts': COMMAND });
  await used(async (fn) => {
    const run = async (args: string[], input = '') => {
      const { status, stdout } = await fn.run(args, Buffer.from(input));
      return [status, Buffer.from(stdout).toString()];
    };
    const long = 'ä line of words\n'.repeat(30_000);
    assert.equal(await run([], long), [0, long]);
    assert.equal(await run(['lines'], 'a\nb\nc'), [0, 'first a, rest b\nc\n']);
    assert.equal(await run(['lines'], ''), [0, 'first none, rest \n']);
    assert.equal(await run(['lines'], long), [
      0,
      `first ä line of words, rest ${long.slice(long.indexOf('\n') + 1)}\n`,
    ]);
    assert.equal(await run(['status']), [7, '']);
    assert.equal(await run(['exit']), [9, 'before']);
    assert.equal(await run(['variable', 'MODE']), [0, 'fast\n']);
    assert.equal(await run(['variable', 'PATH']), [0, 'none\n']);
    assert.equal(await run(['file', '/etc/passwd']), [0, 'none\n']);
    assert.is((await failure(run(['fail']))).code, 'guest-trapped');
  });
});

const TALLY = `import { stdout } from 'cloudlet';
import { config, keyvalue } from 'tally';
export function twice(n: u32): u32 { return 2 * n; }
export function main(args: Array<string>): i32 {
  if (args.length != 2) return 2;
  const step = <i64>parseInt(config.store.get('step').ok.value);
  const bucket = keyvalue.store.open('default').ok;
  let sum: i64 = 0;
  for (let left = parseInt(args[1]); left > 0; left--) sum = keyvalue.atomics.increment(bucket, args[0], step).ok;
  bucket.drop();
  stdout.line(args[0] + ' ' + sum.toString());
  return 0;
}
`;

library('is there beside what a world imports and exports', () =>
  tryTally('f.ts', TALLY, { language: 'assemblyscript' }),
);

const RANDOM = `export function random(): f64 { return Math.random(); }
export function check(n: u32): u32 { assert(n < 5, 'expected less than 5'); return n; }
`;

library('gives randomness, and words to what fails', async () => {
  const wit = 'package a:b; world w { export random: func() -> f64; export check: func(n: u32) -> u32; }';
  await write({ wit: 'w.wit' }, { 'f.ts': RANDOM, 'w.wit': wit });
  await used(async (fn) => {
    const drawn = await Promise.all(Array.from({ length: 4 }, () => fn.call('random')));
    assert.is(new Set(drawn).size, 4);
    assert.is(await fn.call('check', 4), 4);
    assert.is((await failure(fn.call('check', 5))).code, 'guest-trapped');
  });
});

library('is compiled in a thread that ends when the build is given up, and the next build has another', async () => {
  await write({ kind: 'command' }, { 'f.ts': COMMAND });
  const builder = openBuilder();
  try {
    const giveUp = new AbortController();
    const reason = new Error('given up');
    const onProgress = (progress: BuildProgress) => {
      if (progress.kind === 'stage' && progress.stage === 'compile') setTimeout(() => giveUp.abort(reason), 20);
    };
    const given = await failure(builder.build(folder, { onProgress, signal: giveUp.signal }));
    assert.is(given, reason);
    assert.ok((await builder.build(folder)).sizeBytes > 1000);
  } finally {
    await builder.close();
  }
});

for (const [what, project, files, words] of [
  [
    'has no handler',
    { kind: 'http' },
    { 'f.ts': 'export function f(): void {}' },
    /'handle' does not exist|no exported member 'handle'/,
  ],
  ['has no main', { kind: 'command' }, { 'f.ts': 'export function f(): void {}' }, /main/],
  [
    'has a world that hides it',
    { wit: 'w.wit' },
    { 'f.ts': '', 'w.wit': 'package a:b; world cloudlet { export f: func(); }' },
    /the world cloudlet would hide the module of that name; rename it/,
  ],
] as const) {
  library(`refuses a function that ${what}`, async () => {
    const error = await failure(build(await write(project, files)));
    assert.is(error.code, 'build-failed');
    assert.match(error.message, words);
  });
}

library.run();
