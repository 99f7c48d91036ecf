import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { build } from '../../../../guest-sdk/build/index.ts';
import { inspectTypes } from '../../../../runtime/index.ts';

const wasi = suite('bindings of all that a host gives');

const WIT = `package a:b;
world all {
  import wasi:http/outgoing-handler@0.2.12;
  import wasi:filesystem/preopens@0.2.12;
  import wasi:sockets/instance-network@0.2.12;
  import wasi:sockets/tcp-create-socket@0.2.12;
  import wasi:sockets/udp-create-socket@0.2.12;
  import wasi:sockets/ip-name-lookup@0.2.12;
  import wasi:cli/environment@0.2.12;
  import wasi:clocks/wall-clock@0.2.12;
  import wasi:random/random@0.2.12;
  import wasi:blobstore/blobstore@0.2.0-draft;
  import wasi:keyvalue/batch@0.2.0-draft2;
  import wasi:keyvalue/atomics@0.2.0-draft2;
  import wasi:config/store@0.2.0-rc.1;
  import wasi:logging/logging@0.1.0-draft;
  export draw: func() -> u64;
}
`;

const C = '#include "all.h"\nuint64_t all_draw(void) { return all_random_random_get_random_u64(); }\n';

for (const [entry, source, language] of [
  ['f.c', C, undefined],
  ['f.cpp', C.replace('uint64_t all', 'extern "C" uint64_t all'), undefined],
  [
    'f.rs',
    'struct F;\nimpl all::Guest for F { fn draw() -> u64 { all::random::random::get_random_u64() } }\nall::export!(F);\n',
    undefined,
  ],
  [
    'f.ts',
    "import { random } from 'all';\nexport function draw(): u64 { return random.random.getRandomU64(); }\n",
    'assemblyscript',
  ],
] as const) {
  wasi(`compile without a warning (${entry}), and only what is used is imported`, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'cloudlet-wasi-'));
    try {
      await writeFile(join(folder, 'cloudlet.json'), JSON.stringify({ name: 'x', entry, wit: 'w.wit', language }));
      await writeFile(join(folder, 'w.wit'), WIT);
      await writeFile(join(folder, entry), source);
      const said: string[] = [];
      const { component } = await build(folder, {
        onProgress: (progress) => progress.kind === 'warning' && said.push(progress.text),
      });
      assert.equal(said, []);
      const { imports } = inspectTypes(await readFile(component));
      const names = imports.map((each) => each.name ?? '');
      assert.ok(names.includes('wasi:random/random@0.2.12'));
      assert.equal(
        names.filter((name) => /keyvalue|blobstore|http|sockets|logging/.test(name)),
        [],
      );
    } finally {
      await rm(folder, { recursive: true });
    }
  });
}

wasi.run();
