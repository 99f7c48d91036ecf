// end to end
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type CloudletError, type Digest, digestOfHex } from '../../../guest-sdk/protocol/index.ts';
import { ComponentCompiler, limitMemory, TOOLS } from '../../../runtime/component/index.ts';
import { openDescriptors } from '../../bench/left-behind.ts';
import { guest } from '../../support/guest.ts';

const test = suite('the compiler of components');
let cacheDir = '';
test.before.each(async () => {
  cacheDir = await mkdtemp(join(tmpdir(), 'cloudlet-compiler-'));
});
test.after.each(() => rm(cacheDir, { recursive: true, force: true }));

const digestOf = (bytes: Uint8Array): Digest => digestOfHex(createHash('sha256').update(bytes).digest('hex'));
const failure = (promise: Promise<unknown>): Promise<CloudletError> =>
  promise.then(
    () => {
      throw new Error('expected a failure');
    },
    (error: CloudletError) => error,
  );

test('a component is translated once, and again when its artifact was damaged', async () => {
  const bytes = await readFile(await guest('typed'));
  const digest = digestOf(bytes);
  const compiler = new ComponentCompiler({ cacheDir });
  let asked = 0;
  const component = async () => {
    asked += 1;
    return bytes;
  };
  const [first, second] = await Promise.all([compiler.compile(component, digest), compiler.compile(component, digest)]);
  assert.equal(first.manifest, second.manifest);
  assert.is(asked, 1);
  assert.equal((await compiler.cached(digest))?.manifest, first.manifest);
  const [folder] = await readdir(join(cacheDir, 'artifacts'));
  await writeFile(join(cacheDir, 'artifacts', folder!, 'glue.js'), 'export const instantiate = () => "hijacked";');
  assert.is((await compiler.compile(component, digest)).glue, first.glue);
  assert.is(asked, 2);
  await compiler.forget(digest);
  assert.is(await compiler.cached(digest), null);
  await compiler.close();
});

test('is closed when it has no file of its cache open any more', async () => {
  const compiler = new ComponentCompiler({ cacheDir });
  const bytes = await readFile(await guest('typed'));
  const digest = digestOf(bytes);
  await compiler.compile(bytes, digest);
  const reading = [compiler.cached(digest), compiler.compile(bytes, digest)];
  const opened = () => [...openDescriptors().values()].filter((target) => target.startsWith(cacheDir));
  while (opened().length === 0) await new Promise((resolve) => setImmediate(resolve));
  await compiler.close();
  assert.equal(opened(), []);
  await Promise.all(reading);
});

test('an asynchronous component is translated by the other generator, confined as well', async () => {
  const compiler = new ComponentCompiler({ cacheDir });
  const bytes = await readFile(await guest('typed-p3'));
  const { manifest, glue } = await compiler.compile(bytes, digestOf(bytes));
  assert.is(manifest.asynchronous, true);
  assert.ok(manifest.modules.some(({ metered }) => metered));
  assert.match(glue, /heard\$\(\)/);
  assert.is((await compiler.cached(digestOf(bytes)))?.manifest.asynchronous, true);
  await compiler.close();
});

test('a component that cannot run is refused and leaves nothing', async () => {
  const compiler = new ComponentCompiler({ cacheDir });
  const bytes = new TextEncoder().encode('not a component');
  const error = await failure(compiler.compile(bytes, digestOf(bytes)));
  assert.is(error.code, 'component-refused');
  await compiler.close();
  assert.equal(await readdir(cacheDir), []);
});

test('one that waits its turn can be given up, and closing gives up the rest', async () => {
  const compiler = new ComponentCompiler({ cacheDir });
  const bytes = await readFile(await guest('typed'));
  const controller = new AbortController();
  const running = failure(compiler.compile(bytes, digestOf(bytes)));
  const waiting = failure(compiler.compile(bytes, digestOfHex('0'.repeat(64)), controller.signal));
  controller.abort();
  assert.is((await waiting).code, 'client-closed');
  await compiler.close();
  assert.is((await running).code, 'draining');
  assert.is((await failure(compiler.compile(bytes, digestOf(bytes)))).code, 'draining');
});

test('memories cannot grow beyond a grant, and a grant that is too small says so', async () => {
  const compiler = new ComponentCompiler({ cacheDir });
  const bytes = await readFile(await guest('evil'));
  const artifact = await compiler.compile(bytes, digestOf(bytes));
  await compiler.close();
  const growth = (modules: typeof artifact.modules): number => {
    for (const { bytes: module } of modules) {
      const compiled = new WebAssembly.Module(module as Uint8Array<ArrayBuffer>);
      const memory = WebAssembly.Module.exports(compiled).find(({ kind }) => kind === 'memory');
      if (memory === undefined) continue;
      const imports: WebAssembly.Imports = {};
      for (const { module: from, name, kind } of WebAssembly.Module.imports(compiled)) {
        assert.is(kind, 'function');
        imports[from] = { ...imports[from], [name]: () => 0 };
      }
      const exported = new WebAssembly.Instance(compiled, imports).exports[memory.name] as WebAssembly.Memory;
      const before = exported.buffer.byteLength;
      try {
        exported.grow(160);
      } catch {
        return 0;
      }
      return exported.buffer.byteLength - before;
    }
    throw new Error('expected a memory');
  };
  assert.is(growth(artifact.modules), 10 * 1024 * 1024);
  assert.is(growth(limitMemory(artifact, 8).modules), 0);
  assert.throws(() => limitMemory(artifact, 0), /grant allows 0 MiB; raise "memoryMib"/);
});

test('the versions of the tools are those that are installed', async () => {
  const { dependencies } = JSON.parse(await readFile(new URL('../../../package.json', import.meta.url), 'utf8'));
  const lean = String(dependencies['jco-lean']).replace(/^.*@/, '');
  assert.ok(
    TOOLS.includes(`jco-lean ${lean}`) && TOOLS.includes(`jco ${dependencies['@bytecodealliance/jco']}`),
    TOOLS,
  );
});

test('the host loads none of the tools', async () => {
  const seen = new Set<string>();
  const foreign = new Set<string>();
  const visit = async (file: string): Promise<void> => {
    if (seen.has(file)) return;
    seen.add(file);
    for (const [, target] of (await readFile(file, 'utf8')).matchAll(
      /^(?:import|export)\s(?!type\b)[^;]*?from '([^']+)'/gm,
    )) {
      if (target!.startsWith('.')) await visit(resolve(dirname(file), target!));
      else if (!target!.startsWith('node:')) foreign.add(target!);
    }
  };
  await visit(fileURLToPath(new URL('../../../runtime/component/index.ts', import.meta.url)));
  assert.ok(seen.size > 15);
  assert.equal([...foreign], ['valibot']);
  assert.not([...seen].some((file) => file.includes('/transpile/')));
});

test.run();
