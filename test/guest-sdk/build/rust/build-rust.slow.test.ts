// time limit: 900 s
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { build, findRust, INSTALL_RUST_TOOLS, missingTools, TEMPLATES } from '../../../../guest-sdk/build/index.ts';
import { generateRust } from '../../../../guest-sdk/build/rust/bindings.ts';
import type { CloudletError } from '../../../../guest-sdk/protocol/index.ts';
import { BuiltFunction } from '../../../support/built-function.ts';
import { tryEchoes } from '../../../support/echo-world.ts';
import { tryTemplate } from '../../../support/try-template.ts';

const rust = suite('a function in Rust');
let folder = '';

rust.before(async () => {
  assert.ok((await findRust()) !== null, `expected Rust for WASI on this machine; run: ${INSTALL_RUST_TOOLS}`);
});
rust.before.each(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cloudlet-rust-'));
});
rust.after.each(() => rm(folder, { recursive: true }));

const write = async (project: object, files: Readonly<Record<string, string>>): Promise<string> => {
  for (const [name, text] of Object.entries({ ...files, 'cloudlet.json': JSON.stringify({ name: 'x', ...project }) })) {
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

for (const template of Object.keys(TEMPLATES).filter((name) => name.startsWith('rust-'))) {
  rust(`starts from the template ${template}`, () => tryTemplate(template, join(folder, 'of')));
}

rust('carries random values of random types there and back', () =>
  tryEchoes('f.rs', async (world) => {
    const { text } = generateRust({ name: 'w', ...world });
    const functions = [...text.matchAll(/^ {8}(fn echo\d+\(value: .*\) -> .*);$/gm)].map(
      ([, fn]) => `${fn} { value }\n`,
    );
    return `use w::*;\nstruct F;\nimpl i::Guest for F {\n${functions.join('')}}\nw::export!(F);\n`;
  }),
);

rust('has more parameters than core values can carry, keywords as names, and two interfaces', async () => {
  const params = Array.from({ length: 20 }, (_, at) => `p${at}: ${at % 2 === 0 ? 'u8' : 'string'}`).join(', ');
  const wit = `package a:b;
interface value { %type: func(self: u8) -> u8; }
interface %option { enum %result { ok, self } next: func(of: %result) -> %result; }
world std { export value; export %option; export join: func(${params}) -> string; }`;
  const args = Array.from({ length: 20 }, (_, at) => (at % 2 === 0 ? at : `-${at}-`));
  const source = `use std_world::{option, value_, Guest, Result_};
struct F;
impl value_::Guest for F { fn r#type(self_: u8) -> u8 { self_ + 1 } }
impl option::Guest for F {
    fn next(of: Result_) -> Result_ { match of { Result_::Ok => Result_::Self_, other => other } }
}
impl Guest for F {
    fn join(${args.map((_, at) => `p${at}: ${at % 2 === 0 ? 'u8' : 'String'}`).join(', ')}) -> String {
        format!("${args.map((_, at) => `{p${at}}`).join('')}")
    }
}
std_world::export!(F);
`;
  await write({ entry: 'f.rs', wit: 'w.wit' }, { 'f.rs': source, 'w.wit': wit });
  await used(async (fn) => {
    assert.is(await fn.call('join', ...args), args.join(''));
    assert.is(await fn.call('value.type', 1), 2);
    assert.is(await fn.call('option.next', 'ok'), 'self');
  });
});

rust('serves HTTP with bodies of any size, headers, and any method and status', async () => {
  const source = `use cloudlet::{Request, Response};
fn handle(request: Request) -> Response {
    let seen = format!("{} {} {:?} {:?}", request.method, request.pathname(), request.query(), request.header("x-test"));
    Response::new(request.body).status(if request.method == "POST" { 201 } else { 202 }).header("x-seen", seen)
}
cloudlet::serve!(handle);
`;
  await write({ entry: 'f.rs', kind: 'http' }, { 'f.rs': source });
  await used(async (fn) => {
    const body = Buffer.alloc(300_000, 'cloudlet');
    const posted = await fn.http('/a/b?c=d', { method: 'POST', headers: { 'x-test': 'yes' }, body });
    assert.is(posted.status, 201);
    assert.ok(body.equals(posted.body));
    assert.equal(new Map(posted.headers).get('x-seen'), 'POST /a/b Some("c=d") Some("yes")');
    const odd = await fn.http('/', { method: 'PROPFIND' });
    assert.equal([odd.status, odd.text], [202, '']);
    assert.equal(new Map(odd.headers).get('x-seen'), 'PROPFIND / None None');
  });
});

rust('ends with its exact status, and traps when it panics', async () => {
  const main = (body: string) => `fn main() { ${body} }\n`;
  await write({ entry: 'main.rs' }, { 'main.rs': main('std::process::exit(7)') });
  assert.is(await used(async (fn) => (await fn.run([])).status), 7);
  await write({ entry: 'main.rs' }, { 'main.rs': main('panic!("no such luck")') });
  await used(async (fn) => {
    const error = await fn.run([]).then(
      () => assert.unreachable(),
      (thrown: unknown) => thrown as CloudletError,
    );
    assert.is(error?.code, 'guest-trapped');
  });
});

const CARGO = '[package]\nname = "thing"\nversion = "0.1.0"\nedition = "2021"\n';
const LIBRARY = `${CARGO}[lib]\ncrate-type = ["cdylib"]\n[profile.release]\nlto = true\n[dependencies]\nhelp = { path = "help" }\n`;
const HELP = {
  'help/Cargo.toml': CARGO.replace('thing', 'help'),
  'help/src/lib.rs': 'pub fn twice(n: u32) -> u32 { n * 2 }\n',
};

rust("is a project of cargo's with crates of its own, and is built again when its WIT changes", async () => {
  for (const name of ['first', 'second']) {
    const lib = `struct F;\nimpl w::Guest for F { fn ${name}(n: u32) -> u32 { help::twice(n) } }\nw::export!(F);\n`;
    const wit = `package a:b; world w { export ${name}: func(n: u32) -> u32; }`;
    const files = { ...HELP, 'Cargo.toml': LIBRARY, 'src/lib.rs': lib, 'w.wit': wit };
    await write({ entry: 'Cargo.toml', wit: 'w.wit' }, files);
    await used(async (fn) => assert.is(await fn.call(name, 21), 42));
  }
});

rust("is a program of cargo's", async () => {
  await write(
    { entry: 'Cargo.toml' },
    { 'Cargo.toml': CARGO, 'src/main.rs': 'fn main() { println!("made by cargo"); }\n' },
  );
  await used(async (fn) => assert.is(Buffer.from((await fn.run([])).stdout).toString(), 'made by cargo\n'));
});

const WORLD = { 'w.wit': 'package a:b; world w { export f: func(n: u32) -> u32; }' };
const TYPED = { entry: 'f.rs', wit: 'w.wit' };
for (const [what, project, files, words] of [
  ['does not compile', { entry: 'main.rs' }, { 'main.rs': 'fn main() { nought() }' }, /cannot find function `nought`/],
  [
    'lacks a function of the world',
    TYPED,
    { ...WORLD, 'f.rs': 'struct F;\nimpl w::Guest for F {}\nw::export!(F);\n' },
    /missing: `f`|not all trait items implemented, missing: `f`/,
  ],
  [
    'has a function of another type',
    TYPED,
    { ...WORLD, 'f.rs': 'struct F;\nimpl w::Guest for F { fn f(n: u8) -> u32 { 0 } }\nw::export!(F);\n' },
    /expected `u32`, found `u8`/,
  ],
  ['serves nothing', { entry: 'f.rs', kind: 'http' }, { 'f.rs': 'struct F;\n' }, /expected cloudlet::serve!/],
  ['exports nothing', TYPED, { ...WORLD, 'f.rs': 'struct F;\n' }, /w::export!/],
  [
    'needs a crate that is not here',
    { entry: 'Cargo.toml' },
    { 'Cargo.toml': `${CARGO}[dependencies]\nserde = "1"\n`, 'src/main.rs': 'fn main() {}\n' },
    /serde.*A build fetches nothing: bring crates along with "cargo vendor"/s,
  ],
  [
    'is a library without its type',
    { entry: 'Cargo.toml', wit: 'w.wit' },
    { ...WORLD, 'Cargo.toml': CARGO, 'src/lib.rs': '' },
    /no module: expected .*crate-type = \["cdylib"\]/,
  ],
] as const) {
  rust(`that ${what} is refused with what is wrong`, async () => {
    const error = await build(await write(project, files)).then(
      () => assert.unreachable(),
      (thrown: unknown) => thrown as CloudletError,
    );
    assert.is(error?.code, 'build-failed');
    assert.match(error?.message ?? '', words);
  });
}

rust('needs nothing that is not here', async () => {
  assert.is(await missingTools(await write({ entry: 'main.rs' }, { 'main.rs': 'fn main() {}\n' })), null);
});

rust.run();
