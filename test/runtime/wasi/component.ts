import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generate } from 'jco-lean/component';
import { lendWrites } from '../../../runtime/agent/lent-writes.ts';
import { PLAIN_IMPORT, plainFirst } from '../../../runtime/agent/plain-first.ts';
import { SUSPENDING_IMPORTS } from '../../../runtime/wasi/index.ts';

/** The exports of the components that these tests run. */
export interface Exports {
  readonly run: { run(): Promise<void> | void };
  readonly incomingHandler: { handle(request: unknown, outparam: unknown): Promise<void> };
}

/** A translated component, to be instantiated any number of times. */
export type Instantiate = (imports: Record<string, Record<string, unknown>>) => Exports;

interface Glue {
  instantiate(
    getCoreModule: (name: string) => WebAssembly.Module,
    imports: Record<string, Record<string, unknown>>,
  ): Exports;
}

const ASYNC_EXPORTS = [
  'wasi:cli/run@0.2.12#run',
  'wasi:http/incoming-handler@0.2.10#handle',
  'wasi:http/incoming-handler@0.2.12#handle',
];

/**
 * Translates a component with the lean glue; `sync` is for operating systems that block their thread. `asyncExports` may wait, in the
 * names that jco's option wants.
 */
export async function translate(
  path: string,
  mode: 'jspi' | 'sync' = 'jspi',
  asyncExports: readonly string[] = ASYNC_EXPORTS,
): Promise<Instantiate> {
  const { files } = (await generate(await readFile(path), {
    name: 'guest',
    noTypescript: true,
    instantiation: { tag: 'sync' },
    asyncMode:
      mode === 'sync'
        ? { tag: 'sync' }
        : { tag: 'jspi', val: { imports: [...SUSPENDING_IMPORTS], exports: [...asyncExports] } },
  })) as { files: [string, Uint8Array][] };
  const contents = new Map(files);
  const modules = new Map<string, WebAssembly.Module>();
  for (const [name, bytes] of contents) {
    if (name.endsWith('.wasm')) modules.set(name, new WebAssembly.Module(bytes as Uint8Array<ArrayBuffer>));
  }
  const folder = await mkdtemp(join(tmpdir(), 'cloudlet-wasi-'));
  try {
    const file = join(folder, 'guest.mjs');
    const generated = Buffer.from(contents.get('guest.js')!).toString();
    // As an agent has it. Other systems keep what they are given.
    const { glue, calls } = plainFirst(mode === 'sync' ? generated : lendWrites(generated));
    await writeFile(file, glue);
    const { instantiate } = (await import(file)) as Glue;
    return (imports) =>
      instantiate((name) => modules.get(name)!, { ...imports, [PLAIN_IMPORT]: { of: calls.of.bind(calls) } });
  } finally {
    await rm(folder, { recursive: true });
  }
}
