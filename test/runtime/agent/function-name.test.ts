import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readableName } from '../../../runtime/agent/function-name.ts';
import { SeededRandom } from '../../support/random.ts';

const names = suite('a function name');

for (const [mangled, readable] of [
  ['core.wasm.abort', 'abort'],
  ['wasm-function[7]', 'wasm-function[7]'],
  [
    'core.wasm.shop::Basket::total(std::__2::basic_string<char, std::__2::char_traits<char>, std::__2::allocator<char>> const&) const',
    'shop::Basket::total(std::string const&) const',
  ],
  ['std::__2::vector<int>::at', 'std::vector<int>::at'],
  ['core::panicking::panic_fmt::h0123456789abcdef', 'core::panicking::panic_fmt'],
  ['_RNvNtNtNtCsk6DxXIiz9X2_3std3sys3pal4wasi14abort_internal', 'std::sys::pal::wasi::abort_internal'],
  ['_RNvCsfgHYwM92fyn_7___rustc10rust_panic', '__rustc::rust_panic'],
  ['core.wasm._RNvNtCs1234_4main4shop5total', 'main::shop::total'],
  ['_RNCNvC4main3run0B3_', 'main::run::{closure}'],
  ['_RINvNtC3std3mem8align_ofdE', 'std::mem::align_of'],
  ['_RNvMNtCs4fqI2P2rA04_4main4shopNtB2_6Basket5total', '<main::shop::Basket>::total'],
  ['_RNvXCs4fqI2P2rA04_4mainNtB2_3AgeNtNtC4core3fmt7Display3fmt', '<main::Age as core::fmt::Display>::fmt'],
  ['_ZN8function4pick17h2206de7fa3fff310E', 'function::pick'],
  ['_ZN3std2rt10lang_start28_$u7b$$u7b$closure$u7d$$u7d$17h32268ea8219b9801E', 'std::rt::lang_start::_{{closure}}'],
  ['_ZN3foo', '_ZN3foo'],
  ['_ZN3fooIiE', '_ZN3fooIiE'],
  ['_RNvC6_123foo3bar', '123foo::bar'],
  ['_RNvC4main', '_RNvC4main'],
  ['_RNvB_', '_RNvB_'],
  ['_R', '_R'],
] as const)
  names(`${mangled} is ${readable}`, () => assert.is(readableName(mangled), readable));

names('that is hostile is read within bounds', () => {
  const random = new SeededRandom(7);
  const parts = [
    'N',
    'v',
    'C',
    '4main',
    's_',
    'B_',
    'B1_',
    'I',
    'E',
    'M',
    'X',
    'R',
    'T',
    'A',
    'j3_',
    'K',
    'L_',
    '9999999999',
    'u3abc',
  ];
  for (let round = 0; round < 3000; round += 1) {
    const text = `_RN${Array.from({ length: 1 + random.below(30) }, () => random.pick(parts)).join('')}`;
    assert.type(readableName(text), 'string');
  }
  assert.type(readableName(`_R${'N'.repeat(100_000)}`), 'string');
  // Each back reference reads twice what came before.
  assert.type(readableName(`_RNvC1a${'TB0_B1_'.repeat(200)}`), 'string');
});

names.run();
