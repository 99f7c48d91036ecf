// end to end
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { build } from '../../../../guest-sdk/build/index.ts';
import type { CloudletError } from '../../../../guest-sdk/protocol/index.ts';
import { BuiltFunction } from '../../../support/built-function.ts';

const cxx = suite('a function in C++');
let folder = '';

cxx.before.each(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cloudlet-cxx-'));
});
cxx.after.each(() => rm(folder, { recursive: true }));

/** Writes a project whose files are named by their place in the folder. */
const write = async (project: object, files: Readonly<Record<string, string>>): Promise<string> => {
  await writeFile(join(folder, 'cloudlet.json'), JSON.stringify({ name: 'x', ...project }));
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  return folder;
};

const WORLD = 'package a:b; world w { record class { new: u32 } export this: func(operator: class) -> option<u32>; }';
const FUNCTION = `#include "w.h"
#include <string>
static const std::string digits = std::to_string(40) + "2";
extern "C" int of_c(int);
w_option_u32_t w_this(w_class_t operator_) { return w_option_u32_some(of_c(operator_.new_) + std::stoi(digits)); }
`;
const C_PART = 'int of_c(int class) { return class * 2; }\n';

cxx('has a part in C, names that are words of C++, and what is global constructed', async () => {
  for (const kind of ['typed', 'command']) {
    const main = kind === 'command' ? 'int main() { return digits == "402" ? 0 : 1; }\n' : '';
    const files = { 'w.wit': WORLD, 'f.cc': FUNCTION + main, 'part.c': C_PART };
    const fn = await BuiltFunction.open(await write({ kind, entry: ['f.cc', 'part.c'], wit: 'w.wit' }, files));
    try {
      assert.is(await fn.call('this', { new: 5 }), 412, kind);
      if (kind === 'command') assert.is((await fn.run([])).status, 0);
    } finally {
      await fn.close();
    }
  }
});

const STREAMS = `#include <fstream>
#include <iostream>
#include <string>
int main() {
  { std::ofstream out("/tmp/a"); out << "one " << 2; }
  std::ifstream in("/tmp/a");
  for (std::string word; in >> word;) std::cout << word << ';';
}
`;
cxx('has the streams of files', async () => {
  const scratch = { path: '/tmp', bytes: 4096 };
  const fn = await BuiltFunction.open(await write({ entry: 'f.cc', scratch }, { 'f.cc': STREAMS }));
  try {
    assert.is(Buffer.from((await fn.run([])).stdout).toString(), 'one;2;');
  } finally {
    await fn.close();
  }
});

for (const [what, source, words] of [
  ['throws', 'int main() { throw 1; }', /cannot use 'throw'.*\nC\+\+ functions have no exceptions: give errors back/s],
  ['catches', 'int main() { try { } catch (...) { } }', /cannot use 'try'.*no exceptions/s],
  ['has a thread', '#include <thread>\nint main() { std::thread([] {}).join(); }', /no member named 'thread'/],
] as const) {
  cxx(`that ${what} is refused with the compiler's words and a way out`, async () => {
    const error = await build(await write({ entry: 'f.cpp' }, { 'f.cpp': source })).then(
      () => assert.unreachable(),
      (thrown: unknown) => thrown as CloudletError,
    );
    assert.is(error?.code, 'build-failed');
    assert.match(error?.message ?? '', words);
  });
}

cxx.run();
