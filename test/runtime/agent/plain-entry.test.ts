import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { enterPlainly } from '../../../runtime/agent/plain-entry.ts';
import { plainFirst } from '../../../runtime/agent/plain-first.ts';
import { artifactOf } from '../../support/sandbox-lab.ts';

const ENTRIES = [
  'exports0Add = WebAssembly.promising(exports0.add);',
  "shapesBack = WebAssembly.promising(exports1['test:typed/shapes@1.0.0#back']);",
];
const DOORS = [
  "run0212Run = WebAssembly.promising(exports2['wasi:cli/run@0.2.12#run']);",
  "handlerHandle = WebAssembly.promising(exports1['wasi:http/incoming-handler@0.2.12#handle']);",
];
const glueOf = (imports: readonly string[], more = ''): string =>
  [...imports.map((name) => `  const { a, b: b$1 } = imports['${name}'];`), more, ...ENTRIES, ...DOORS].join('\n');

const entry = suite('typed exports');

entry('are entered plainly when nothing that they import waits; commands and services are not', () => {
  const changed = enterPlainly(glueOf(['wasi:clocks/monotonic-clock', 'wasi:io/streams', 'wasi:filesystem/types']));
  assert.not.match(changed, /promising\(exports0\.add/);
  assert.match(changed, /exports0Add = exports0\.add;/);
  assert.match(changed, /shapesBack = exports1\['test:typed\/shapes@1\.0\.0#back'\];/);
  for (const door of DOORS) assert.ok(changed.includes(door));
});

for (const name of ['wasi:io/poll', 'wasi:http/types', 'wasi:sockets/tcp', 'wasi:blobstore/container', 'other:thing/a'])
  entry(`may wait where ${name} is imported`, () => assert.is(enterPlainly(glueOf([name])), glueOf([name])));

entry('may wait where a call of the host is bound as one that may', () => {
  const glue = glueOf([], 'const trampoline1 = new WebAssembly.Suspending(async function() {');
  assert.is(enterPlainly(glue), glue);
});

for (const [name, waiting] of [
  ['typed', 0],
  ['draws', 0],
  ['cat', 1],
  ['stores', 6],
] as const) {
  entry(`of ${name} that may wait: ${waiting}`, async () => {
    const { glue } = plainFirst((await artifactOf(name)).glue);
    assert.is(enterPlainly(glue).split('WebAssembly.promising(').length - 1, waiting);
  });
}

entry.run();
