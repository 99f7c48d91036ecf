import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

type Type = number;
type Expression = number;
type FunctionRef = number;

/** The part of binaryen that is used here. */
interface Binaryen {
  readonly Features: { readonly All: number };
  readonly none: Type;
  readonly i32: Type;
  readonly i64: Type;
  readonly f32: Type;
  readonly f64: Type;
  readonly Function: { setBody(fn: FunctionRef, body: Expression): void };
  readBinaryWithFeatures(bytes: Uint8Array, features: number): BinaryenModule;
  expandType(type: Type): readonly Type[];
  getFunctionInfo(fn: FunctionRef): { readonly name: string; readonly params: Type; readonly results: Type };
  setPassArgument(name: string, value: string | null): void;
  setDebugInfo(on: boolean): void;
}

interface BinaryenModule {
  readonly local: { get(at: number, type: Type): Expression };
  readonly i32: { const(value: number): Expression; wrap(value: Expression): Expression };
  readonly i64: { const(low: number, high: number): Expression; extend_s(value: Expression): Expression };
  readonly f32: { const(value: number): Expression; demote(value: Expression): Expression };
  readonly f64: { const(value: number): Expression; promote(value: Expression): Expression };
  call(name: string, operands: readonly Expression[], type: Type): Expression;
  drop(value: Expression): Expression;
  block(label: string | null, children: readonly Expression[], type?: Type): Expression;
  removeExport(name: string): void;
  getNumFunctions(): number;
  getFunctionByIndex(at: number): FunctionRef;
  runPasses(names: readonly string[]): void;
  emitBinary(): Uint8Array;
  dispose(): void;
}

/** Most parameters of a function that is called by a pointer: as many as the pass takes by default. */
const MAX_PARAMETERS = 16;

/** Before the name of a function that the linker leaves a trap for, since it is declared in one place as it is not defined in another. */
const MISMATCH = 'signature_mismatch:';

/** Functions of a linked program that trap because their declarations differ. */
export function mismatchedFunctions(program: Uint8Array): string[] {
  const text = Buffer.from(program.buffer, program.byteOffset, program.byteLength).toString('latin1');
  return [...text.matchAll(/signature_mismatch:([\w$.]+)/g)].map((match) => match[1]!);
}

/**
 * Makes calls of functions by another type than their own work, as they do on other processors: missing arguments are zero, further ones are left,
 * results are dropped. Direct calls always; with `pointers` also those through pointers, where each such call, and each function that a
 * pointer may lead to, costs a step more.
 */
export async function allowUnlikeCalls(
  program: Uint8Array,
  { pointers }: { readonly pointers: boolean },
): Promise<Uint8Array> {
  // The one that the AssemblyScript compiler brings.
  const path = createRequire(import.meta.resolve('assemblyscript')).resolve('binaryen');
  const { default: binaryen } = (await import(pathToFileURL(path).href)) as { readonly default: Binaryen };
  const module = binaryen.readBinaryWithFeatures(program, binaryen.Features.All);
  try {
    binaryen.setDebugInfo(true); // Names of functions stay, for the stack of a trap.
    bridgeMismatches(binaryen, module);
    if (pointers) {
      binaryen.setPassArgument('max-func-params', String(MAX_PARAMETERS));
      module.runPasses(['fpcast-emu']);
    }
    return module.emitBinary();
  } finally {
    module.dispose();
  }
}

/** In place of each trap of the linker: a call of the function itself, where the values can be carried over. */
function bridgeMismatches(binaryen: Binaryen, module: BinaryenModule): void {
  const all = Array.from({ length: module.getNumFunctions() }, (_, at) => module.getFunctionByIndex(at));
  const infos = new Map(all.map((fn) => [binaryen.getFunctionInfo(fn).name, binaryen.getFunctionInfo(fn)]));
  for (const fn of all) {
    const { name, params, results } = binaryen.getFunctionInfo(fn);
    const real = name.startsWith(MISMATCH) ? infos.get(name.slice(MISMATCH.length)) : undefined;
    if (real === undefined) continue;
    const given = binaryen.expandType(params);
    const operands = binaryen.expandType(real.params).map((type, at) => {
      const from = given[at];
      return from === undefined
        ? zero(binaryen, module, type)
        : carried(binaryen, module, module.local.get(at, from), from, type);
    });
    if (operands.includes(null)) continue;
    const call = module.call(real.name, operands as Expression[], real.results);
    const answer = answerOf(binaryen, module, call, real.results, results);
    if (answer === null) continue;
    binaryen.Function.setBody(fn, answer);
    // It was there to keep the function.
    module.removeExport(real.name);
  }
}

function answerOf(
  binaryen: Binaryen,
  module: BinaryenModule,
  call: Expression,
  from: Type,
  to: Type,
): Expression | null {
  if (to === binaryen.none) return from === binaryen.none ? call : module.drop(call);
  if (from !== binaryen.none) return carried(binaryen, module, call, from, to);
  return module.block(null, [call, zero(binaryen, module, to)!], to);
}

/** A value as one of another type; null where the bits would mean something else. */
function carried(
  binaryen: Binaryen,
  module: BinaryenModule,
  value: Expression,
  from: Type,
  to: Type,
): Expression | null {
  const { i32, i64, f32, f64 } = binaryen;
  if (from === to) return value;
  if (from === i64 && to === i32) return module.i32.wrap(value);
  if (from === i32 && to === i64) return module.i64.extend_s(value);
  if (from === f64 && to === f32) return module.f32.demote(value);
  if (from === f32 && to === f64) return module.f64.promote(value);
  return null;
}

function zero(binaryen: Binaryen, module: BinaryenModule, type: Type): Expression | null {
  if (type === binaryen.i32) return module.i32.const(0);
  if (type === binaryen.i64) return module.i64.const(0, 0);
  if (type === binaryen.f32) return module.f32.const(0);
  return type === binaryen.f64 ? module.f64.const(0) : null;
}
