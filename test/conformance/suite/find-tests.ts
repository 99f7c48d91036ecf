import { readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { parseTestSpec, type TestSpec } from './test-spec.ts';

/** A test of a suite: a program and what it is to do. */
export interface SuiteTest {
  readonly suite: string;
  readonly name: string;
  readonly wasm: string;
  readonly spec: TestSpec;
}

/**
 * All tests below a folder: each `.wasm` with the JSON beside it, sorted. A folder's suite has the name that its `manifest.json` says, else
 * that of the folder. Throws when there are none, or when a JSON is not understood.
 */
export async function findTests(folder: string): Promise<SuiteTest[]> {
  const files = (await readdir(folder, { recursive: true })).filter((file) => file.endsWith('.wasm')).sort();
  if (files.length === 0) throw new Error(`expected .wasm files in ${folder}, got none`);
  const suites = new Map<string, string>();
  const tests: SuiteTest[] = [];
  for (const file of files) {
    const wasm = join(folder, file);
    const inFolder = dirname(wasm);
    const suite = suites.get(inFolder) ?? (await suiteName(inFolder));
    suites.set(inFolder, suite);
    const specFile = wasm.replace(/\.wasm$/, '.json');
    const spec = parseTestSpec(await readIfThere(specFile), specFile);
    tests.push({ suite, name: basename(wasm, '.wasm'), wasm, spec });
  }
  return tests;
}

async function suiteName(folder: string): Promise<string> {
  const manifest = await readIfThere(join(folder, 'manifest.json'));
  if (manifest === undefined) return basename(folder);
  const { name } = JSON.parse(manifest) as { name?: unknown };
  if (typeof name !== 'string') throw new Error(`${folder}/manifest.json: expected a name`);
  return name;
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
