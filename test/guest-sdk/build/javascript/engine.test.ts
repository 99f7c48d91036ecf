// end to end
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Builder, openBuilder } from '../../../../guest-sdk/build/index.ts';
import { BuiltFunction } from '../../../support/built-function.ts';
import { refused } from '../../../support/refusal.ts';

const engine = suite('the engine of QuickJS functions');
let folder = '';
let builder: Builder;

engine.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cloudlet-engine-'));
  await mkdir(join(folder, 'p'));
  builder = openBuilder();
});
engine.after(async () => {
  await builder.close();
  await rm(folder, { recursive: true, force: true });
});

const options = () => ({ cache: join(folder, 'cache') });

async function edit(source: string): Promise<string> {
  await writeFile(join(folder, 'p', 'cloudlet.json'), JSON.stringify({ name: 'edited', entry: 'f.ts' }));
  await writeFile(join(folder, 'p', 'f.ts'), `import { Response } from 'cloudlet/guest';\n${source}`);
  return join(folder, 'p');
}

const answering = (words: string, top = '') => `${top}\nexport default { fetch: () => new Response(\`${words}\`) };\n`;

async function answerOf(component: string): Promise<string> {
  const project = await mkdtemp(join(folder, 'built-'));
  await writeFile(join(project, 'f.wasm'), await readFile(component));
  await writeFile(join(project, 'cloudlet.json'), JSON.stringify({ name: 'built', component: 'f.wasm' }));
  const fn = await BuiltFunction.open(project);
  try {
    return (await fn.http('/')).text;
  } finally {
    await fn.close();
  }
}

engine('is prepared once for a world, and keeps what the top of a module made', async () => {
  const stages: string[] = [];
  const onProgress = (event: { kind: string; stage?: string }) => void stages.push(event.stage ?? '');
  const first = await builder.build(await edit(answering('one')), { ...options(), onProgress });
  assert.ok(stages.includes('engine'));
  assert.is(await answerOf(first.component), 'one');
  stages.length = 0;
  const top = 'const squares = new Map([1, 2, 3].map((n) => [n, n * n]));\nlet calls = 0;';
  const second = await builder.build(await edit(answering(`\${squares.get(3)} \${++calls}`, top)), {
    ...options(),
    onProgress,
  });
  assert.not.ok(stages.includes('engine'));
  assert.is(await answerOf(second.component), '9 1');
});

for (const [what, top, expected] of [
  ['throws', "throw new Error('no such table')", /QuickJS cannot make a component of this: no such table/],
  ['asks the host', "console.log('hello')", /stdout.* while a function is built/],
] as const)
  engine(`says why a module cannot be built whose top ${what}`, async () => {
    const project = await edit(answering('x', `${top};`));
    await refused(() => builder.build(project, options()), 'build-failed', expected);
  });

engine('makes the same bytes of the same sources, in whatever order and thread they are built', async () => {
  const made = 'const made = [Date.now(), Date.now() - Date.now(), new Date().getFullYear()];';
  const source = answering(`\${made}`, made);
  const bytesOf = async (by: Builder, text: string) =>
    readFile((await by.build(await edit(text), options())).component);
  const first = await bytesOf(builder, source);
  await bytesOf(builder, answering('between', 'globalThis.filled = new Array(1e5).fill(1);'));
  const again = await bytesOf(builder, `${source}\n`.trimEnd());
  const other = openBuilder();
  try {
    assert.is(Buffer.compare(first, again), 0);
    assert.is(Buffer.compare(first, await bytesOf(other, source)), 0);
  } finally {
    await other.close();
  }
});

engine('leaves a module that does not end when it is told to', async () => {
  const project = await edit(answering('x', 'for (;;) {}'));
  const controller = new AbortController();
  const onProgress = (event: { kind: string; stage?: string }) => {
    if (event.stage === 'componentize') setTimeout(() => controller.abort(new Error('enough')), 50);
  };
  const ended = builder.build(project, { ...options(), onProgress, signal: controller.signal });
  await ended.then(
    () => assert.unreachable('it ended'),
    (error: Error) => assert.is(error.message, 'enough'),
  );
  const { component } = await builder.build(await edit(answering('again')), options());
  assert.is(await answerOf(component), 'again');
});

engine('that is torn is prepared again', async () => {
  const [key] = await readdir(join(folder, 'cache', 'quickjs'));
  await writeFile(join(folder, 'cache', 'quickjs', key!, 'facts.json'), '{');
  const { component } = await builder.build(await edit(answering('whole')), options());
  assert.is(await answerOf(component), 'whole');
});

engine.run();
