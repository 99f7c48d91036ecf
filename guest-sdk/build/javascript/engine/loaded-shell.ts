import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** Exports under which the state of a module can be read and put back, and its start function be called. */
const STATE = /^\[cloudlet\](?:memory|global)\d+$/;
const START = '[cloudlet]start';

/** What evaluating a program gave: the memory that the component is to start with, or why there is none. */
export type Evaluation = { readonly memory: Uint8Array } | { readonly failed: string };

type Init = (shim: string, script: string, path: undefined, withoutCollection: boolean) => void;
type Exports = Readonly<Record<string, unknown>>;

/** A shell that runs in this thread's own WebAssembly, and is put back to how it was before each program. */
export class LoadedShell {
  readonly #init: Init;
  readonly #memory: WebAssembly.Memory;
  readonly #start: Uint8Array;
  /** State of the other modules and all globals, which a program must leave alone: only the memory is kept. */
  readonly #others: () => string;
  readonly #before: string;
  readonly #setGlobals: () => void;
  readonly #bounds: readonly [from: number, to: number];
  readonly #world: BuildWorldImports;

  private constructor(init: Init, modules: readonly Exports[], world: BuildWorldImports) {
    const [engine] = modules.filter((exports) => exports['__heap_base'] !== undefined);
    if (engine === undefined) throw new Error('expected a module with the memory of the engine');
    const states = modules.flatMap((exports) => Object.entries(exports).filter(([name]) => STATE.test(name)));
    this.#init = init;
    this.#world = world;
    this.#memory = engine['memory'] as WebAssembly.Memory;
    this.#start = new Uint8Array(this.#memory.buffer).slice();
    const globals = states.flatMap(([, value]) => (value instanceof WebAssembly.Global ? [value] : []));
    const others = states.flatMap(([, value]) =>
      value instanceof WebAssembly.Memory && value !== this.#memory ? [value] : [],
    );
    this.#others = () =>
      JSON.stringify([
        globals.map((global) => String(global.value)),
        others.map((memory) => Buffer.from(memory.buffer).toString('latin1')),
      ]);
    this.#before = this.#others();
    const values = globals.map((global) => global.value as unknown);
    this.#setGlobals = () => {
      for (const [at, global] of globals.entries()) global.value = values[at];
    };
    const address = (name: string): number => Number((engine[name] as WebAssembly.Global).value);
    this.#bounds = [address('componentize_qjs_runtime.wasm:memory_base'), address('__heap_base')];
  }

  /** Loads the files of a shell. */
  static async open(folder: string): Promise<LoadedShell> {
    const files = (await readdir(folder)).filter((file) => file.startsWith('component.core'));
    const modules = new Map<string, WebAssembly.Module>();
    for (const file of files) modules.set(file, new WebAssembly.Module(await readFile(join(folder, file))));
    const { instantiate } = (await import(pathToFileURL(join(folder, 'glue.mjs')).href)) as {
      readonly instantiate: (...parts: unknown[]) => Promise<{ readonly init: Init }>;
    };
    const instances: Exports[] = [];
    const world = buildWorld();
    const root = await instantiate(
      (name: string) => modules.get(name),
      world.imports,
      (module: WebAssembly.Module, imports: WebAssembly.Imports) => {
        const instance = new WebAssembly.Instance(module, imports);
        const start = instance.exports[START];
        if (typeof start === 'function') start();
        instances.push(instance.exports);
        return instance;
      },
    );
    return new LoadedShell(root.init, instances, world);
  }

  /**
   * Addresses of the bytes that keep the engine from evaluating a program, once it has evaluated one. There should be one: it is set to
   * zero, the program runs, and it is one again.
   */
  findEvaluated(): readonly number[] {
    const [from, to] = this.#bounds;
    const found: number[] = [];
    for (let at = from; at < to; at += 1) {
      if (this.#start[at] !== 1) continue;
      const failed = this.#run("throw new Error('is evaluated')", at);
      if (failed?.includes('is evaluated') && this.#bytes[at] === 1) found.push(at);
    }
    return found;
  }

  /** Evaluates a program as the engine would while a component is made. */
  evaluate(program: string, evaluated: number): Evaluation {
    const failed = this.#run(program, evaluated);
    if (failed !== null) return { failed };
    if (this.#others() !== this.#before) return { failed: OTHER_STATE };
    return { memory: this.#bytes.slice() };
  }

  /** Whether a program made the memory larger: what comes then is not as it would be in a shell just loaded. */
  get hasGrown(): boolean {
    return this.#memory.buffer.byteLength > this.#start.length;
  }

  get #bytes(): Uint8Array {
    return new Uint8Array(this.#memory.buffer);
  }

  /** Runs a program in a fresh state; gives why it failed, or null. */
  #run(program: string, evaluated: number): string | null {
    const bytes = this.#bytes;
    bytes.set(this.#start);
    this.#setGlobals();
    bytes[evaluated] = 0;
    this.#world.said();
    this.#world.restart();
    try {
      this.#init('', program, undefined, false);
      return null;
    } catch (error) {
      const payload = error instanceof Error && 'payload' in error ? error.payload : undefined;
      if (typeof payload === 'string') return payload;
      const words = this.#world.said();
      const message = error instanceof Error ? error.message : String(error);
      return words === '' ? message : `${words.trimEnd()} (${message})`;
    }
  }
}

/** What is said when a program changed what is not kept; the component is then made by the engine's own tool. */
export const OTHER_STATE = 'the program changed more than the memory of the engine';

interface BuildWorldImports {
  readonly imports: object;
  /** What was written to standard error since it was last asked. */
  readonly said: () => string;
  /** Sets the time back to its beginning. */
  readonly restart: () => void;
}

/**
 * What a program finds while a component is made: no input, no files, no variables, a time, and nothing else. The time begins at 1970
 * and is a millisecond later at each look: what a program makes of it is the same in every build.
 */
function buildWorld(): BuildWorldImports {
  let text = '';
  let milliseconds = 0;
  const tick = (): number => milliseconds++;
  const decoder = new TextDecoder();
  const stream = class {
    blockingWriteAndFlush(bytes: Uint8Array): void {
      text = (text + decoder.decode(bytes)).slice(-4000);
    }
  };
  const answers: Readonly<Record<string, unknown>> = {
    insecureSeed: () => [0n, 0n],
    getEnvironment: () => [],
    getArguments: () => [],
    getDirectories: () => [],
    getStderr: () => new stream(),
    getStdout: () => new stream(),
    OutputStream: stream,
    now: (): bigint => BigInt(tick()) * 1_000_000n,
  };
  const clock = {
    now: () => {
      const ms = tick();
      return { seconds: BigInt(Math.floor(ms / 1000)), nanoseconds: (ms % 1000) * 1_000_000 };
    },
  };
  const member = (name: string, own: Readonly<Record<string, unknown>>) => (_: object, key: string | symbol) => {
    const known = own[String(key)];
    if (known !== undefined) return known;
    // A class of resources is only named; whoever makes one asks for more than there is.
    if (/^[A-Z]/.test(String(key))) return class {};
    return () => {
      throw new Error(
        `${name} has no ${String(key)} while a function is built; ask for it inside a function, not at the top of a module`,
      );
    };
  };
  const imports = new Proxy(
    {},
    {
      get: (_, name) => {
        const own = String(name).startsWith('wasi:') ? (name === 'wasi:clocks/wall-clock' ? clock : answers) : {};
        const shown = String(name).replace(/^xasi:/, 'wasi:');
        return new Proxy({}, { get: member(shown, own), has: () => true });
      },
      has: () => true,
    },
  );
  return {
    imports,
    restart: () => {
      milliseconds = 0;
    },
    said: () => {
      const said = text;
      text = '';
      return said;
    },
  };
}
