// time limit: 400 s
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { build } from '../../../guest-sdk/build/index.ts';
import type { CloudletError } from '../../../guest-sdk/protocol/index.ts';
import { BuiltFunction } from '../../support/built-function.ts';

const TYPED = fileURLToPath(new URL('../../../guest-sdk/templates/javascript-typed/', import.meta.url));
const FETCH = fileURLToPath(new URL('../../support/guests/fetch-http/src/', import.meta.url));

const starling = suite('a function on StarlingMonkey');
let folder = '';

starling.before.each(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cloudlet-starling-'));
});
starling.after.each(() => rm(folder, { recursive: true }));

starling('serves http with the same library', async () => {
  await cp(FETCH, join(folder, 'src'), { recursive: true });
  const project = { name: 'x', entry: 'src/function.ts', backend: 'starlingmonkey' };
  await writeFile(join(folder, 'cloudlet.json'), JSON.stringify(project));
  const fn = await BuiltFunction.open(folder);
  try {
    assert.is((await fn.http('/text')).text, 'plain');
    const json = await fn.http('/json', { method: 'POST', body: Buffer.from('{"a":1}') });
    assert.equal([json.status, JSON.parse(json.text)], [201, { got: { a: 1 } }]);
    const body = Buffer.alloc(300_000, 'cloudlet ');
    assert.ok(Buffer.from((await fn.http('/echo', { method: 'POST', body })).body).equals(body));
    assert.is((await fn.http('/stream?to=3')).text, '1\n2\n3\n');
    assert.is((await fn.http('/count')).text, '1');
    assert.is((await fn.http('/count')).text, '1');
    const thrown = await fn.http('/throw');
    assert.is(thrown.status, 500);
    assert.not.match(thrown.text, 'secret');
    assert.match(thrown.log.stderr, 'a secret of the function');
    const lines = (await readFile(join(folder, 'src/function.ts'), 'utf8')).split('\n');
    const line = lines.findIndex((each) => each.includes('a secret of the function')) + 1;
    const mapped = fn.stackMap?.(thrown.log.stderr) ?? '';
    assert.match(mapped, new RegExp(`src/function\\.ts:${line}:\\d+`), mapped);
    assert.not.match(mapped, /function\.js:/);
  } finally {
    await fn.close();
  }
});

starling('carries 64-bit integers at their limits, and errors', async () => {
  await mkdir(join(folder, 'src'));
  await writeFile(
    join(folder, 'cloudlet.json'),
    JSON.stringify({ name: 'x', entry: 'f.ts', wit: 'w.wit', backend: 'starlingmonkey' }),
  );
  await writeFile(
    join(folder, 'w.wit'),
    `package a:b;
interface i {
  record r { n: s64, at: option<s64> }
  variant v { none, some(s64), pair(tuple<u8, s64>) }
  back: func(x: u64) -> u64;
  values: func(r: r, v: v, l: list<r>, n: list<s64>, o: option<option<s64>>, e: result<s64, s64>) -> tuple<r, v, list<r>, list<s64>, option<option<s64>>, string>;
}
world w { export i; export less: func(x: s64) -> result<s64, string>; }`,
  );
  await writeFile(
    join(folder, 'f.ts'),
    `type Tagged = { tag: string; val?: bigint };
export const i = {
  back: (x: bigint) => x,
  values: (r: object, v: object, l: object[], n: BigInt64Array, o: object, e: Tagged) => [r, v, l, n, o, e.tag + e.val],
};
export function less(x: bigint) {
  if (x === -(2n ** 63n)) throw new Error('there is no less');
  return x - 1n;
}`,
  );
  const fn = await BuiltFunction.open(folder);
  try {
    assert.is(await fn.call('i.back', '18446744073709551615'), '18446744073709551615');
    const values = [
      { n: -1, at: '-9223372036854775808' },
      { tag: 'pair', val: [1, -2] },
      [{ n: -3, at: null }],
      [-4, 5],
      { some: -6 },
    ];
    assert.equal(await fn.call('i.values', ...values, { err: -7 }), [...values, 'err-7']);
    assert.equal(await fn.call('less', '-9223372036854775807'), { ok: '-9223372036854775808' });
    assert.equal(await fn.call('less', '-9223372036854775808'), { err: 'there is no less' });
  } finally {
    await fn.close();
  }
});

starling('may be what a typed template makes', async () => {
  await cp(TYPED, folder, { recursive: true });
  const project = JSON.parse(await readFile(join(folder, 'cloudlet.json'), 'utf8'));
  await writeFile(join(folder, 'cloudlet.json'), JSON.stringify({ ...project, backend: 'starlingmonkey' }));
  const fn = await BuiltFunction.open(folder);
  try {
    assert.equal(await fn.call('count-words', 'To be, or not to be'), [
      ['be', 2],
      ['to', 2],
      ['not', 1],
      ['or', 1],
    ]);
  } finally {
    await fn.close();
  }
});

starling('is refused when it would give a bare s64, with the ways around', async () => {
  const project = { name: 'x', entry: 'f.ts', wit: 'w.wit', backend: 'starlingmonkey' };
  await writeFile(join(folder, 'cloudlet.json'), JSON.stringify(project));
  await writeFile(join(folder, 'w.wit'), 'package a:b; world w { export f: func() -> s64; }');
  await writeFile(join(folder, 'f.ts'), 'export const f = () => 1n;');
  const error = await build(folder).then(
    () => assert.unreachable(),
    (thrown: unknown) => thrown as CloudletError,
  );
  assert.is(error?.code, 'unsupported-type');
  assert.match(error?.message ?? '', /^f: func\(\) -> s64: .*option<s64>.* in C/);
});

starling.run();
