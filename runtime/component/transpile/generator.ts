/**
 * The choice of generator, in one file: the bindings generator of jco 1.10.2, whose glue is 4 to 40 times smaller than the
 * current one's and has calls of 0.02 µs instead of 3 µs. It knows no WASI 0.3, which the inspector refuses before.
 */
import { refused } from '../binary/byte-reader.ts';
import { loadTool } from './tool-loader.ts';

/** What the generator makes of a component: its glue and its core modules by file name. */
export interface Generated {
  readonly glue: string;
  readonly modules: readonly { readonly name: string; readonly bytes: Uint8Array }[];
}

/** Functions that may wait for the host (imports), and those that wait for the guest (exports); names as the glue's generator wants them. */
export interface Suspending {
  readonly imports: string[];
  readonly exports: string[];
}

/** The part of the generator that is used here. */
interface BindingsGenerator {
  generate(component: Uint8Array, options: object): Promise<{ readonly files: [string, Uint8Array][] }>;
}

/** Loads everything the generator needs, so that it runs afterwards without reading a file. */
export async function loadGenerator(): Promise<void> {
  await filesOf(EMPTY_COMPONENT, { imports: [], exports: [] });
}

const EMPTY_COMPONENT = Uint8Array.of(0x00, 0x61, 0x73, 0x6d, 0x0d, 0x00, 0x01, 0x00);

/**
 * The glue prints a thrown `err` value into the error's message, which fails when a record has a field called `to-string`. Nobody
 * reads that message: the value itself is what travels.
 */
const PRINTED_PAYLOAD = /`\$\{String\(value\)\} \(see error\.payload\)`/;

/** Makes the glue for a component that was inspected. Hostile input may make this trap, loop or eat memory: run it confined. */
export async function generateGlue(component: Uint8Array, suspending: Suspending): Promise<Generated> {
  const files = await filesOf(component, suspending);
  const glue = files.find(([name]) => name.endsWith('.js'));
  if (glue === undefined) throw refused('the component could not be linked: the generator gave no program');
  return {
    glue: new TextDecoder().decode(glue[1]).replace(PRINTED_PAYLOAD, '`an error value`'),
    modules: files.filter(([name]) => name.endsWith('.wasm')).map(([name, bytes]) => ({ name, bytes })),
  };
}

async function filesOf(component: Uint8Array, suspending: Suspending): Promise<[string, Uint8Array][]> {
  try {
    const { generate } = await loadTool<BindingsGenerator>(import.meta.resolve('jco-lean/component'));
    const { files } = await generate(component, {
      name: 'component',
      map: [],
      instantiation: { tag: 'async' },
      asyncMode: { tag: 'jspi', val: suspending },
      noTypescript: true,
      noNodejsCompat: true,
      base64Cutoff: 0,
    });
    return files;
  } catch (error) {
    throw refused(`the component could not be linked: ${firstLine(error)}`, error);
  }
}

function firstLine(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message
    .split('\n')[0]!
    .replace(/ \(see error\.payload\)$/, '')
    .slice(0, 500);
}
