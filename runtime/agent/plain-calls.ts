/** A type of WebAssembly's own. */
export type CoreType = 'i32' | 'i64';

type Call = (...args: unknown[]) => unknown;

/** What came of a wait. */
type Came = { readonly value: unknown } | { readonly error: unknown };

/**
 * One call of the glue as its code sees it: it is run again, with the same arguments, when there was something to wait for. Nothing of the guest runs meanwhile, so
 * that it finds everything as it was.
 */
class FirstTry {
  /** What came of the wait, for the second run; null in a first. */
  came: Came | null = null;
  #awaited: Promise<unknown> | null = null;

  /** There is something to wait for. Gives what the guest's side takes for that. */
  waits(promise: Promise<unknown>): 1 {
    this.#awaited = promise;
    return 1;
  }

  /** What came, as a call would have given it. */
  take(): unknown {
    const came = this.came!;
    if ('error' in came) throw came.error;
    return came.value;
  }

  /** Waits, and runs `call` with what came. */
  async again(call: Call, args: readonly unknown[]): Promise<void> {
    const awaited = this.#awaited!;
    this.#awaited = null;
    this.came = await awaited.then(
      (value) => ({ value }),
      (error: unknown) => ({ error }),
    );
    try {
      call(...args);
    } finally {
      this.came = null;
    }
  }
}

/** Makes functions for a guest out of those of a glue: each calls plainly, and suspends the guest only when there is something to wait for. */
export class PlainCalls {
  readonly #types: ReadonlyMap<string, readonly CoreType[]>;
  #module: WebAssembly.Module | null = null;

  /** The parameters of each, by name. */
  constructor(types: ReadonlyMap<string, readonly CoreType[]>) {
    this.#types = types;
  }

  /** How many there are. */
  get size(): number {
    return this.#types.size;
  }

  /** The functions for one instance, by name; each is made by its function of the glue. */
  of(made: Readonly<Record<string, (first: FirstTry) => Call>>): Record<string, WebAssembly.ExportValue> {
    this.#module ??= new WebAssembly.Module(moduleOf(this.#types));
    const plain: Record<string, Call> = {};
    const waiting: Record<string, WebAssembly.ImportValue> = {};
    for (const [name, make] of Object.entries(made)) {
      const first = new FirstTry();
      const call = make(first);
      plain[name] = call;
      waiting[name] = suspending((...args) => first.again(call, args));
    }
    return new WebAssembly.Instance(this.#module, { plain, waiting }).exports;
  }
}

const TYPES = { i32: 0x7f, i64: 0x7e } as const;

/** A module that exports each function, and imports it twice: `plain`, whose answer is whether there is something to wait for, and `waiting`. */
function moduleOf(types: ReadonlyMap<string, readonly CoreType[]>): Uint8Array<ArrayBuffer> {
  const functions = [...types];
  const each = (bytes: (name: string, parameters: readonly CoreType[], at: number) => readonly number[]) =>
    functions.map(([name, parameters], at) => bytes(name, parameters, at));
  const parameters = (given: readonly CoreType[]) => vector(given.map((type) => [TYPES[type]]));
  const arguments_ = (given: readonly CoreType[]) => given.flatMap((_, at) => [0x20, ...u32(at)]); // local.get
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    // Of each function the type that answers, then the one that does not.
    ...section(
      1,
      each((_, given) => [0x60, ...parameters(given), 1, 0x7f, 0x60, ...parameters(given), 0]),
      2,
    ),
    ...section(
      2,
      each((name, _, at) => [
        ...[...text('plain'), ...text(name), 0x00, ...u32(2 * at)],
        ...[...text('waiting'), ...text(name), 0x00, ...u32(2 * at + 1)],
      ]),
      2,
    ),
    ...section(
      3,
      each((_, __, at) => u32(2 * at + 1)),
    ),
    ...section(
      7,
      each((name, _, at) => [...text(name), 0x00, ...u32(2 * functions.length + at)]),
    ),
    ...section(
      10,
      each((_, given, at) => {
        const plainly = [...arguments_(given), 0x10, ...u32(2 * at)]; // call
        const waiting = [...arguments_(given), 0x10, ...u32(2 * at + 1)];
        const body = [0, ...plainly, 0x04, 0x40, ...waiting, 0x0b, 0x0b]; // no locals; if … end, end
        return [...u32(body.length), ...body];
      }),
    ),
  ]);
}

/** `entries` of which each holds `count`. */
function section(id: number, entries: readonly (readonly number[])[], count = 1): number[] {
  const content = [...u32(entries.length * count), ...entries.flat()];
  return [id, ...u32(content.length), ...content];
}

function vector(entries: readonly (readonly number[])[]): number[] {
  return [...u32(entries.length), ...entries.flat()];
}

function text(ascii: string): number[] {
  return vector([...Buffer.from(ascii)].map((byte) => [byte]));
}

function u32(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...u32(value >>> 7)];
}

/** JavaScript Promise Integration is in Node 24 and not yet in TypeScript's library. */
function suspending(call: (...args: unknown[]) => Promise<void>): WebAssembly.ImportValue {
  return new (WebAssembly as unknown as { Suspending: new (call: Call) => WebAssembly.ImportValue }).Suspending(call);
}
