import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { explainFailure, undefinedSymbols } from '../../../../guest-sdk/build/foreign/explain-failure.ts';

const explaining = suite('why a program was not built');

explaining('is told by symbol, with each part of the program that calls it', () => {
  const lines = [
    'wasm-ld-19: error: src/a.o: undefined symbol: fork',
    'wasm-ld: error: lib/libx.a(b.o): undefined symbol: fork',
    'wasm-ld: error: /tmp/main-1a2b3c.o: undefined symbol: dlopen',
    'wasm-ld: error: /tmp/conftest-1a2b3c.o: undefined symbol: shl_load',
    'wasm-ld: error: CMakeFiles/cmTC_123ab.dir/x.o: undefined symbol: pthread_create',
  ];
  assert.equal(undefinedSymbols(lines), [
    { symbol: 'fork', users: ['src/a.o', 'lib/libx.a(b.o)'] },
    { symbol: 'dlopen', users: ['main'] },
  ]);
});

for (const { name, lines, expected } of [
  {
    name: 'threads',
    lines: ['wasm-ld-19: error: pool.o: undefined symbol: pthread_create'],
    expected: [/^pthread_create \(in pool\.o\): WASI 0\.1 has one thread; build it without/, /--absent threads,?/],
  },
  {
    name: 'an option that asks for threads',
    lines: ['wasm-ld-19: error: /cache/programs/0f/posix/threads.o: undefined symbol: pthread_create'],
    expected: [/^pthread_create \(in the option -pthread\)/, /absent/],
  },
  {
    name: 'several functions of one kind in one sentence',
    lines: ['socket', 'connect'].map((symbol) => `wasm-ld: error: net.o: undefined symbol: ${symbol}`),
    expected: [/^socket \(in net\.o\), connect \(in net\.o\): WASI 0\.1 opens no sockets/, /"absent": \["network"\]/],
  },
  {
    name: 'what cannot be absent',
    lines: ['wasm-ld: error: co.o: undefined symbol: makecontext'],
    expected: [/^makecontext \(in co\.o\): the call stack/],
  },
  {
    name: 'a library of this computer',
    lines: ['wasm-ld: error: png.o: undefined symbol: png_create_read_struct'],
    expected: [/^Not found: png_create_read_struct \(in png\.o\)\. Libraries of this computer are not for WebAssembly/],
  },
  {
    name: 'a header of a library, and one of a system',
    lines: [
      "src/x.c:3:10: fatal error: 'png.h' file not found",
      "src/y.c:1:10: fatal error: 'linux/fs.h' file not found",
    ],
    expected: [/^png\.h \(in src\/x\.c\): it is of a library/, /^linux\/fs\.h \(in src\/y\.c\): WASI has nothing/],
  },
  {
    name: 'exceptions of C++',
    lines: ["a.cc:2:3: error: cannot use 'throw' with exceptions disabled"],
    expected: [/^throw and try: Debian's libc\+\+/],
  },
  {
    name: "what C++'s library lacks, by the linker's whole name",
    lines: [
      'wasm-ld-19: error: a.o: undefined symbol: std::__2::__fs::filesystem::__status(std::__2::__fs::filesystem::path const&, int)',
      'wasm-ld-19: error: a.o: undefined symbol: vtable for Shape',
    ],
    expected: [
      /^std::__2::__fs::filesystem::__status\(.*int\) \(in a\.o\): Debian's libc\+\+ .* has no std::filesystem; use file/,
      /^Not found: vtable for Shape \(in a\.o\)/,
    ],
  },
  {
    name: "threads of C++'s library, each name once",
    lines: [
      "a.cc:1:6: error: no member named 'mutex' in namespace 'std'",
      "b.cc:2: error: no type named 'mutex' in namespace 'std'",
    ],
    expected: [/^std::mutex: WASI 0\.1 has one thread/],
  },
  {
    name: 'what to install for C++, once',
    lines: ['a', 'b'].map(() => 'c++: C++ needs libc++ for WebAssembly: run `apt-get install x`'),
    expected: [/^C\+\+ needs libc\+\+ for WebAssembly: run `apt-get install x`\.$/],
  },
  { name: 'nothing that is known', lines: ['make: *** [all] Error 2'], expected: [] },
]) {
  explaining(`names ${name}`, () => {
    const sentences = explainFailure(lines);
    assert.is(sentences.length, expected.length, sentences.join('\n'));
    for (const [at, pattern] of expected.entries()) assert.match(sentences[at]!, pattern);
  });
}

explaining.run();
