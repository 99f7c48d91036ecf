import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { CheckedCase } from '../../../guest-sdk/build/index.ts';

const CLIENT = new URL('../../../guest-sdk/client/index.ts', import.meta.url).href;
const GUEST = new URL('../../../guest-sdk/guest/index.ts', import.meta.url).href;

/** What a test file finds when it asks for the function under test. */
export interface TestedFunction {
  readonly url: string;
  readonly token: string | undefined;
  readonly name: string;
}

/** Files with tests of a project's own, `test/*.test.ts` and `.js`, absolute and sorted. */
export async function testFilesOf(folder: string): Promise<string[]> {
  const names = await readdir(join(folder, 'test')).catch(() => []);
  return names
    .filter((name) => /\.test\.m?[jt]s$/.test(name))
    .sort()
    .map((name) => join(folder, 'test', name));
}

/**
 * Runs test files by Node's own test runner, each in a process of its own, in which `functionUnderTest()` of `cloudlet/client` gives the
 * function; gives each test as it ends.
 */
export async function* runTestFiles(
  files: readonly string[],
  tested: TestedFunction,
  signal: AbortSignal,
): AsyncGenerator<CheckedCase> {
  const folder = await mkdtemp(join(tmpdir(), 'cloudlet-test-'));
  try {
    const preload = join(folder, 'preload.mjs');
    // In a file, since others may read the arguments of a process.
    await writeFile(preload, preloadOf(tested), { mode: 0o600 });
    const execArgv = ['--disable-warning=ExperimentalWarning', '--import', pathToFileURL(preload).href];
    const stream = run({ files: [...files], execArgv, signal });
    for await (const event of stream as AsyncIterable<TestEvent>) {
      if (event.type !== 'test:pass' && event.type !== 'test:fail') continue;
      const { name, details, file } = event.data;
      // A suite, or a file, of which each test is told.
      if (details.type === 'suite' || (name === file && event.type === 'test:pass')) continue;
      const test = name === file ? fileURLToPath(pathToFileURL(name)) : name;
      const passed = event.type === 'test:pass';
      yield { name: test, passed, ms: details.duration_ms, ...(passed ? {} : { reason: reasonOf(details.error) }) };
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

interface TestEvent {
  readonly type: string;
  readonly data: {
    readonly name: string;
    readonly file?: string;
    readonly details: { readonly duration_ms: number; readonly type?: string; readonly error?: Error };
  };
}

function reasonOf(error: Error | undefined): string {
  const cause = error?.cause instanceof Error ? error.cause : error;
  return (cause?.stack ?? cause?.message ?? 'it failed')
    .split('\n')
    .filter((line) => !/node:internal/.test(line))
    .slice(0, 12)
    .join('\n');
}

function preloadOf(tested: TestedFunction): string {
  return `import { registerHooks } from 'node:module';
const packages = ${JSON.stringify({ 'cloudlet/client': CLIENT, 'cloudlet/guest': GUEST })};
registerHooks({
  resolve: (specifier, context, next) =>
    Object.hasOwn(packages, specifier) ? { url: packages[specifier], shortCircuit: true } : next(specifier, context),
});
globalThis[Symbol.for('cloudlet.function-under-test')] = ${JSON.stringify(tested)};
`;
}
