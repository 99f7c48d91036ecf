/**
 * How a rewritten core module is instantiated. The rewriter and the agent both need this file, so it imports nothing and
 * the agent may be bundled with it alone.
 */

/** How names begin under which a rewritten core module exports what is ours. The brackets keep them apart from every name of a WIT world. */
export const RESERVED_PREFIX = '[cloudlet]';

/**
 * Names under which a rewritten core module exports what is needed to run it: the global that takes the checkpoint function,
 * and the start function that was taken out; and the global that is not 0 once a memory was refused what it asked for.
 */
export const RESERVED_EXPORTS = {
  checkpoint: '[cloudlet]checkpoint',
  start: '[cloudlet]start',
  refused: '[cloudlet]refused',
} as const;

/**
 * Custom section of a module all of whose state that a call can change is exported: its memories and its changeable globals, each
 * under a reserved name. Putting these back makes an instance what it was.
 */
export const RESETTABLE_SECTION = '[cloudlet]resettable';

/**
 * Called when a guest has used up its fuel: gives the next ration, more than zero, or ends the guest by throwing or by giving
 * zero or less. It must not wait.
 */
export type Checkpoint = () => bigint;

/**
 * `(func (export "ration") (result i64))`: calls the imported checkpoint and traps when there is no fuel. A module of its own
 * because only a WebAssembly function fits the typed global; and because, unlike an exception, a guest cannot catch a trap.
 */
const RATION_MODULE = Uint8Array.of(
  ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
  ...[0x01, 0x05, 0x01, 0x60, 0x00, 0x01, 0x7e], // type: () -> i64
  ...[0x02, 0x07, 0x01, 0x01, 0x63, 0x01, 0x63, 0x00, 0x00], // import "c" "c"
  ...[0x03, 0x02, 0x01, 0x00],
  ...[0x07, 0x0a, 0x01, 0x06, ...[0x72, 0x61, 0x74, 0x69, 0x6f, 0x6e], 0x00, 0x01], // export "ration"
  ...[0x0a, 0x13, 0x01, 0x11, 0x01, 0x01, 0x7e], // one local: i64
  ...[0x10, 0x00, 0x22, 0x00, 0x42, 0x00, 0x57], // call, local.tee, i64.const 0, i64.le_s
  ...[0x04, 0x40, 0x00, 0x0b, 0x20, 0x00, 0x0b], // if unreachable end, local.get, end
);

let rationModule: WebAssembly.Module | undefined;
/** One function for each checkpoint: a component has up to ten core modules that share it. */
const rations = new WeakMap<Checkpoint, WebAssembly.ExportValue>();

/**
 * Instantiates a module that the rewriter made, with `checkpoint` deciding over its fuel, and calls its start function. The
 * start function may wait for suspending imports, so the instance comes as a promise when there is one. A guest that is ended
 * fails with the `RuntimeError` of a trap; what the checkpoint threw does not come through.
 */
export function instantiateMetered(
  module: WebAssembly.Module,
  imports: WebAssembly.Imports | undefined,
  checkpoint: Checkpoint,
): WebAssembly.Instance | Promise<WebAssembly.Instance> {
  const instance = new WebAssembly.Instance(module, imports);
  const cell = instance.exports[RESERVED_EXPORTS.checkpoint];
  if (cell instanceof WebAssembly.Global) cell.value = rationOf(checkpoint);
  const start = instance.exports[RESERVED_EXPORTS.start];
  if (typeof start !== 'function') return instance;
  return promising(start)().then(() => instance);
}

function rationOf(checkpoint: Checkpoint): WebAssembly.ExportValue {
  const known = rations.get(checkpoint);
  if (known !== undefined) return known;
  rationModule ??= new WebAssembly.Module(RATION_MODULE);
  const ration = (): bigint => {
    try {
      return checkpoint();
    } catch {
      // The guest must not see an exception: its own handlers could swallow it and go on. Zero makes it trap.
      return 0n;
    }
  };
  const made = new WebAssembly.Instance(rationModule, { c: { c: ration } }).exports['ration']!;
  rations.set(checkpoint, made);
  return made;
}

/** JavaScript Promise Integration is in Node 24 and not yet in TypeScript's library. */
function promising(fn: WebAssembly.ExportValue): () => Promise<unknown> {
  return (WebAssembly as unknown as { promising(fn: WebAssembly.ExportValue): () => Promise<unknown> }).promising(fn);
}
