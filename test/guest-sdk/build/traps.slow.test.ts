// time limit: 600 s
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { build } from '../../../guest-sdk/build/index.ts';
import { CloudletError } from '../../../guest-sdk/protocol/index.ts';
import { BuiltFunction } from '../../support/built-function.ts';

const C = `#include <stdlib.h>
#include <string.h>
__attribute__((noinline)) static int deep(volatile int n) { volatile char room[256]; room[0] = n; return n > 100000000 ? 0 : deep(n + 1) + room[0]; }
__attribute__((noinline)) void give_up(void) { abort(); }
__attribute__((noinline)) int reach(int *place) { return *(volatile int *)place; }
int main(int count, char **words) {
  if (!strcmp(words[1], "abort")) give_up();
  if (!strcmp(words[1], "reach")) return reach((int *)0xfffffff0u);
  return deep(count);
}
`;
const CXX = `#include <string>
namespace shop { struct Basket { __attribute__((noinline)) int total(const std::string &s) const { __builtin_trap(); return (int)s.size(); } }; }
int main(int, char **words) { return shop::Basket().total(words[1]); }
`;
const RUST = `#[inline(never)] fn pick(all: &[u32], at: usize) -> u32 { all[at] }
mod shop { #[inline(never)] pub fn total(n: usize) -> u32 { super::pick(&[1, 2, 3], n) } }
fn main() { println!("{}", shop::total(std::env::args().count() * 5)); }
`;

const traps = suite('a trap of');

for (const [what, file, source, argument, expected] of [
  ['C that aborts names the function', 'main.c', C, 'abort', /unreachable \(in give_up < main\)$/],
  ['C that reaches beyond its memory', 'main.c', C, 'reach', /out of bounds \(in reach\S* < main\)$/],
  ['C that calls itself for ever', 'main.c', C, 'deep', /its stack is full \(in deep × 64\)$/],
  [
    'C++ is told with its names',
    'main.cpp',
    CXX,
    'x',
    /\(in shop::Basket::total\(std::string const&\) const < main\)$/,
  ],
  [
    'Rust that panics names who did',
    'main.rs',
    RUST,
    'x',
    /\(in function::pick < function::shop::total < function::main\)$/,
  ],
] as const)
  traps(what, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'cloudlet-traps-'));
    await writeFile(join(folder, file), source);
    await writeFile(join(folder, 'cloudlet.json'), JSON.stringify({ name: 'trap', entry: file, kind: 'command' }));
    const fn = await BuiltFunction.open(folder);
    try {
      const error = await fn.run([argument === 'x' ? 'x' : argument]).then(
        () => assert.unreachable('it did not trap'),
        (thrown: unknown) => thrown,
      );
      assert.instance(error, CloudletError);
      assert.match((error as CloudletError).message, expected);
      const stripped = await build(folder, { strip: true });
      assert.ok(stripped.sizeBytes < fn.build.sizeBytes, `${stripped.sizeBytes} of ${fn.build.sizeBytes}`);
    } finally {
      await fn.close();
      await rm(folder, { recursive: true });
    }
  });

traps.run();
