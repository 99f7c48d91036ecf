import type { ByteReader } from '../binary/byte-reader.ts';
import { ByteWriter, leb, signedLeb } from '../binary/byte-writer.ts';
import { type ChargePoint, type CodeScan, type FunctionScan, scanFunction } from './function-scan.ts';

/** Indices of what the rewriter appends to a module. */
export interface MeterIndices {
  /** The global that holds the fuel left. */
  readonly fuel: number;
  /** The global that holds the host's checkpoint function, and that function's type. */
  readonly checkpoint: number;
  readonly checkpointType: number;
  /** The function that asks the checkpoint for fuel. */
  readonly refill: number;
  /** Null in a module that grows no memory. */
  readonly growth: GrowthIndices | null;
}

/** Indices of what remembers that a memory was not given what it asked for. */
export interface GrowthIndices {
  /** The global that is not 0 once that has happened. */
  readonly refused: number;
  /** The function that is shown each answer. */
  readonly look: number;
}

/** Bytes of memory that are filled or copied for one unit of fuel, as a power of two. */
const MEMORY_SHIFT = 3;

/** Reads the code section of a module: the functions and what they do. */
export function scanCode(
  section: ByteReader,
  importedFunctions: number,
): { functions: FunctionScan[]; seen: CodeScan } {
  const seen: CodeScan = {
    loops: 0,
    tailCalls: 0,
    exceptions: 0,
    bulk: 0,
    calls: 0,
    tableWrites: 0,
    segmentDrops: 0,
    memoryGrows: 0,
  };
  const functions: FunctionScan[] = [];
  for (let left = section.count('functions'); left > 0; left -= 1) {
    functions.push(scanFunction(section, importedFunctions, seen));
  }
  section.finish('the code section');
  return { functions, seen };
}

/**
 * The code section with charges: at the start of every function and of every round of a loop the fuel of the code that
 * follows is taken off, and when none is left `refill` asks the host for more. Nothing else about the code changes.
 */
export function meterCode(
  module: Uint8Array,
  functions: readonly FunctionScan[],
  parameterCount: (functionIndex: number) => number,
  indices: MeterIndices,
): ByteWriter {
  const charges = new ChargeCode(indices);
  const bodies = [refillBody(indices), ...(indices.growth === null ? [] : [lookBody(indices.growth)])];
  const out = new ByteWriter().u32(functions.length + bodies.length);
  for (const [index, scan] of functions.entries()) {
    // A bulk instruction's length is needed twice, so the function gets one more local variable to keep it in.
    const bulk = scan.points.some((point) => point.bulk !== null);
    const scratch = parameterCount(index) + scan.locals;
    const head = [leb(scan.localGroups + (bulk ? 1 : 0)), module.subarray(scan.groups, scan.body)];
    if (bulk) head.push(Uint8Array.of(0x01, 0x7f));
    const parts = [...head, ...chargedBody(module, scan, (point) => charges.for(point, scratch))];
    out.u32(parts.reduce((sum, part) => sum + part.length, 0));
    for (const part of parts) out.bytes(part);
  }
  for (const body of bodies) out.u32(body.length).bytes(body);
  return out;
}

function chargedBody(module: Uint8Array, scan: FunctionScan, charge: (point: ChargePoint) => Uint8Array): Uint8Array[] {
  const parts: Uint8Array[] = [];
  let from = scan.body;
  for (const point of scan.points) {
    if (point.at > from) parts.push(module.subarray(from, point.at));
    parts.push(charge(point));
    from = point.at;
  }
  parts.push(module.subarray(from, scan.end));
  return parts;
}

/** Makes the instructions of a charge; equal ones are one array, as a large module has hundreds of thousands. */
class ChargeCode {
  readonly #indices: MeterIndices;
  readonly #fixed = new Map<number, Uint8Array>();

  constructor(indices: MeterIndices) {
    this.#indices = indices;
  }

  for(point: ChargePoint, scratch: number): Uint8Array {
    if (point.bulk !== null) return this.#bulk(point.bulk, scratch);
    if (point.grown) return new ByteWriter().u8(0x10).u32(this.#indices.growth!.look).finish();
    const known = this.#fixed.get(point.cost);
    if (known !== undefined) return known;
    const made = new ByteWriter()
      .bytes(this.#take(new ByteWriter().u8(0x42).bytes(signedLeb(point.cost)).finish()))
      .finish();
    this.#fixed.set(point.cost, made);
    return made;
  }

  #bulk(kind: 'memory' | 'table', scratch: number): Uint8Array {
    const amount = new ByteWriter().u8(0x20).u32(scratch).u8(0xad); // local.get, i64.extend_i32_u
    if (kind === 'memory') amount.u8(0x42, MEMORY_SHIFT, 0x88); // i64.const, i64.shr_u
    return new ByteWriter().u8(0x22).u32(scratch).bytes(this.#take(amount.finish())).finish(); // local.tee
  }

  /** fuel -= amount; if (fuel < 0) refill() */
  #take(amount: Uint8Array): Uint8Array {
    const { fuel, refill } = this.#indices;
    const get = new ByteWriter().u8(0x23).u32(fuel).finish();
    return new ByteWriter()
      .bytes(get)
      .bytes(amount)
      .u8(0x7d, 0x24) // i64.sub, global.set
      .u32(fuel)
      .bytes(get)
      .u8(0x42, 0x00, 0x53, 0x04, 0x40, 0x10) // i64.const 0, i64.lt_s, if, call
      .u32(refill)
      .u8(0x0b)
      .finish();
  }
}

/**
 * do fuel += checkpoint() while (fuel < 0), so that what was used beyond the last ration is paid before the guest goes on.
 * A checkpoint that was never set is null, and calling it traps.
 */
function refillBody({ fuel, checkpoint, checkpointType }: MeterIndices): Uint8Array {
  return new ByteWriter()
    .u8(0x00, 0x03, 0x40, 0x23) // no local variables, loop, global.get
    .u32(fuel)
    .u8(0x23) // global.get
    .u32(checkpoint)
    .u8(0x14) // call_ref
    .u32(checkpointType)
    .u8(0x7c, 0x24) // i64.add, global.set
    .u32(fuel)
    .u8(0x23) // global.get
    .u32(fuel)
    .u8(0x42, 0x00, 0x53, 0x0d, 0x00, 0x0b, 0x0b) // i64.const 0, i64.lt_s, br_if 0
    .finish();
}

/** if (answer == -1) refused = 1; return answer */
function lookBody({ refused }: GrowthIndices): Uint8Array {
  return new ByteWriter()
    .u8(0x00, 0x20, 0x00, 0x41, 0x7f, 0x46) // no local variables, local.get 0, i32.const -1, i32.eq
    .u8(0x04, 0x40, 0x41, 0x01, 0x24) // if, i32.const 1, global.set
    .u32(refused)
    .u8(0x0b, 0x20, 0x00, 0x0b)
    .finish();
}
