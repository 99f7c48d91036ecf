/**
 * A world that lends and gives values of every shape to an interface of its author's, and what arrives there.
 */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { transpile } from '@bytecodealliance/jco';
import * as assert from 'uvu/assert';
import { build } from '../../guest-sdk/build/index.ts';

const WIT = `package a:b;
interface e {
  record pair { a: string, b: list<s16>, c: f64 }
  variant v { none, f(f32), d(f64), i(s8), p(pair), s(string), l(u64) }
  flags fl { x, y, z }
  enum en { one, two }
  resource box { constructor(v: v); %get: func() -> v; }
  many: func(a: s8, b: u64, c: f32, d: string, e: option<string>, f: v, g: fl, h: en, i: char, j: list<v>, k: tuple<bool, s64>, l: pair) -> string;
  few: func(a: s8, b: v, g: fl, h: en) -> v;
  one: func(a: f32) -> f32;
  neg: func(a: s16) -> s8;
  rec: func(p: pair, o: option<pair>) -> tuple<pair, option<pair>>;
  eat: func(b: box, r: result<box, string>) -> list<box>;
}
world w { import e; export run: func() -> string; }
`;

class Box {
  readonly value: unknown;
  constructor(value: unknown) {
    this.value = value;
  }
  get(): unknown {
    return this.value;
  }
}

/** The imported interface: it gives back what it was given, `many` as text. */
const ECHO = {
  Box,
  many: (...given: unknown[]) => JSON.stringify(given, plain),
  few: (a: number, v: unknown, g: unknown, h: string) => {
    assert.equal([a, g, h], [-1, { x: true, y: false, z: true }, 'two']);
    return v;
  },
  one: (a: number) => a,
  neg: (a: number) => a,
  rec: (pair: unknown, some: unknown) => [pair, some],
  eat: (box: Box, other: { readonly val: Box }) => [box, other.val],
};

function plain(_: string, value: unknown): unknown {
  if (typeof value === 'bigint') return `${value}`;
  return value instanceof Int16Array ? [...value] : value;
}

const PAIR = '{"a":"ä","b":[-1,2],"c":-0.5}';
const VARIANTS = [
  '{"tag":"none"}',
  '{"tag":"f","val":1.5}',
  '{"tag":"d","val":-2.25}',
  '{"tag":"i","val":-3}',
  `{"tag":"p","val":${PAIR}}`,
  '{"tag":"s","val":"s"}',
  '{"tag":"l","val":"18446744073709551615"}',
];

/** Builds a project of the file `entry` with this text for the world `w`, and compares what its function `run` gives with what it has to. */
export async function tryLowering(entry: string, source: string, more: object = {}): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'cloudlet-lowering-'));
  try {
    await writeFile(join(folder, 'cloudlet.json'), JSON.stringify({ name: 'w', entry, wit: 'w.wit', ...more }));
    await writeFile(join(folder, 'w.wit'), WIT);
    await writeFile(join(folder, entry), source);
    const component = await readFile((await build(folder)).component);
    const { files } = await transpile(component, { name: 'f', instantiation: 'async' });
    for (const [name, bytes] of Object.entries(files)) {
      await mkdir(dirname(join(folder, 'js', name)), { recursive: true });
      await writeFile(join(folder, 'js', name), bytes);
    }
    const { instantiate } = await import(pathToFileURL(join(folder, 'js', 'f.js')).href);
    const compile = async (name: string) => WebAssembly.compile(await readFile(join(folder, 'js', name)));
    const { run } = await instantiate(compile, new Proxy({ 'a:b/e': ECHO }, { get: importOf }));
    const rest = (v: string) =>
      `[-1,"18446744073709551615",0.5,"d","e",${v},{"x":false,"y":true,"z":false},"one","😀",[${v},{"tag":"i","val":-1}],[true,"-9"],${PAIR}]`;
    assert.equal(run().split('\n'), VARIANTS.map(rest));
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** The language's own library asks WASI for its environment when it starts, and for nothing else here. */
function importOf(own: Readonly<Record<string, unknown>>, name: string): unknown {
  return own[name] ?? new Proxy({}, { get: (_, member) => (/^get/.test(String(member)) ? () => [] : class {}) });
}
