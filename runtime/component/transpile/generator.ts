/**
 * The choice of generator, in one file. The bindings generator of jco 1.10.2, whose glue is 4 to 40 times smaller than the current
 * one's and has calls of 0.02 µs instead of 3 µs, makes all but asynchronous components, of which it knows nothing. Those are made by
 * that of jco 1.35.0.
 */
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { refused } from '../binary/byte-reader.ts';
import { wakeGlue } from './async-glue.ts';
import { loadTool } from './tool-loader.ts';

/** What the generator makes of a component: its glue and its core modules by file name. */
export interface Generated {
  readonly glue: string;
  readonly modules: readonly { readonly name: string; readonly bytes: Uint8Array }[];
}

/** Which generator a component needs: `plain` for WASI 0.2, `async` for one with asynchronous parts. */
export type GlueKind = 'plain' | 'async';

/** Functions that may wait for the host (imports), and those that wait for the guest (exports); names as the glue's generator wants them. */
export interface Suspending {
  readonly imports: string[];
  readonly exports: string[];
}

/** The part of a generator that is used here; the current one says `$init` when it can be used. */
interface BindingsGenerator {
  readonly $init?: Promise<void>;
  generate(
    component: Uint8Array,
    options: object,
  ): { readonly files: [string, Uint8Array][] } | Promise<{ readonly files: [string, Uint8Array][] }>;
}

/** Loads everything that a generator needs, so that it runs afterwards without reading a file. */
export async function loadGenerator(kind: GlueKind): Promise<void> {
  await filesOf(EMPTY_COMPONENT, kind, { imports: [], exports: [] });
}

const EMPTY_COMPONENT = Uint8Array.of(0x00, 0x61, 0x73, 0x6d, 0x0d, 0x00, 0x01, 0x00);

/**
 * The glue prints a thrown `err` value into the error's message, which fails when a record has a field called `to-string`. Nobody
 * reads that message: the value itself is what travels.
 */
const PRINTED_PAYLOAD = /`\$\{String\(value\)\} \(see error\.payload\)`/;

/** One interface has other functions in WASI 0.3 than in 0.2, and a component may import both: 0.3 keeps its version in the glue. */
const VERSIONED = ['cli', 'clocks', 'filesystem', 'http', 'random', 'sockets'].map((name) => [
  `wasi:${name}/*@0.3.0`,
  `wasi:${name}/*@0.3`,
]);

/** Makes the glue for a component that was inspected. Hostile input may make this trap, loop or eat memory: run it confined. */
export async function generateGlue(component: Uint8Array, kind: GlueKind, suspending: Suspending): Promise<Generated> {
  const files = await filesOf(component, kind, suspending);
  const program = files.find(([name]) => name.endsWith('.js'));
  if (program === undefined) throw refused('the component could not be linked: the generator gave no program');
  const glue = new TextDecoder().decode(program[1]).replace(PRINTED_PAYLOAD, '`an error value`');
  return {
    glue: kind === 'async' ? wakeGlue(glue) : glue,
    modules: files.filter(([name]) => name.endsWith('.wasm')).map(([name, bytes]) => ({ name, bytes })),
  };
}

async function filesOf(component: Uint8Array, kind: GlueKind, suspending: Suspending): Promise<[string, Uint8Array][]> {
  try {
    const generator = await loadTool<BindingsGenerator>(addressOf(kind));
    await generator.$init;
    const { files } = await generator.generate(component, {
      name: 'component',
      map: kind === 'async' ? VERSIONED : [],
      instantiation: { tag: 'async' },
      asyncMode: { tag: 'jspi', val: suspending },
      noTypescript: true,
      noNodejsCompat: true,
      base64Cutoff: 0,
      noComponentErrorWrapping: false,
    });
    return files;
  } catch (error) {
    throw refused(`the component could not be linked: ${firstLine(error)}`, error);
  }
}

function addressOf(kind: GlueKind): string {
  if (kind === 'plain') return import.meta.resolve('jco-lean/component');
  // Not through its package's door: that one also loads a minifier, which is native code that the confined child must not load.
  const jco = createRequire(import.meta.resolve('@bytecodealliance/jco'));
  const door = pathToFileURL(jco.resolve('@bytecodealliance/jco-transpile'));
  return new URL('../vendor/js-component-bindgen-component.js', door).href;
}

function firstLine(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message
    .split('\n')[0]!
    .replace(/ \(see error\.payload\)$/, '')
    .slice(0, 500);
}
