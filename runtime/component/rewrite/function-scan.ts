import { type ByteReader, refused } from '../binary/byte-reader.ts';
import { OP, readInstruction } from './instruction.ts';

/** A place in a function where fuel is charged. */
export interface ChargePoint {
  /** Offset in the module before which the charge is inserted. */
  readonly at: number;
  /** Fuel for everything from here to the next place that is passed in any case. */
  cost: number;
  /** What else is charged for: elements or bytes that the next instruction handles, as its last operand says. */
  readonly bulk: 'memory' | 'table' | null;
}

/** What a function body does, and where to charge for it. */
export interface FunctionScan {
  readonly start: number;
  /** Offset of the first instruction, after the local variables. */
  readonly body: number;
  readonly end: number;
  readonly localGroups: number;
  readonly locals: number;
  /** Offset of the first group of local variables. */
  readonly groups: number;
  readonly points: readonly ChargePoint[];
}

/** What was seen in the code of a whole module. */
export interface CodeScan {
  loops: number;
  tailCalls: number;
  exceptions: number;
  bulk: number;
  /** Most calls in one function. */
  calls: number;
  tableWrites: number;
  segmentDrops: number;
  memoryGrows: number;
}

/** Fuel beyond 1 for instructions that leave compiled code: they take a hundred times as long as others. */
const HOST_CALL_COST = 100;
const RUNTIME_COST = 500;

/** Reads one function body, adds what it does to `seen`, and gives the places to charge at. */
export function scanFunction(reader: ByteReader, importedFunctions: number, seen: CodeScan): FunctionScan {
  const size = reader.u32('the size of a function');
  const body = reader.part(size, 'a function');
  const start = body.at;
  const localGroups = body.count('groups of local variables');
  const groups = body.at;
  let locals = 0;
  for (let left = localGroups; left > 0; left -= 1) {
    locals += body.u32('a number of local variables');
    const type = body.u8('the type of local variables');
    if (type === 0x63 || type === 0x64) body.skipLeb('a heap type', 33);
  }
  const bodyStart = body.at;
  const points = scanInstructions(body, importedFunctions, seen);
  return { start, body: bodyStart, end: body.end, localGroups, locals, groups, points };
}

function scanInstructions(body: ByteReader, importedFunctions: number, seen: CodeScan): ChargePoint[] {
  const entry: ChargePoint = { at: body.at, cost: 0, bulk: null };
  const points = [entry];
  // Innermost place that pays for the code being read; one entry for each open block, so that leaving a loop goes back out.
  const payers: ChargePoint[] = [entry];
  let calls = 0;
  const immediate = { index: 0 };
  while (!body.done) {
    const at = body.at;
    const opcode = readInstruction(body, immediate);
    const payer = payers[payers.length - 1];
    if (payer === undefined) throw body.malformed('the end of a function');
    payer.cost += 1;
    switch (opcode) {
      case OP.block:
      case OP.if:
        payers.push(payer);
        break;
      case OP.try:
      case OP.tryTable:
        seen.exceptions += 1;
        payers.push(payer);
        break;
      case OP.loop: {
        const header: ChargePoint = { at: body.at, cost: 0, bulk: null };
        points.push(header);
        payers.push(header);
        seen.loops += 1;
        break;
      }
      case OP.end:
      case OP.delegate:
        payers.pop();
        break;
      case OP.throw:
      case OP.rethrow:
      case OP.throwRef:
        seen.exceptions += 1;
        payer.cost += RUNTIME_COST;
        break;
      case OP.call:
        calls += 1;
        if (immediate.index < importedFunctions) payer.cost += HOST_CALL_COST;
        break;
      case OP.callIndirect:
      case OP.callRef:
        calls += 1;
        break;
      case OP.returnCall:
      case OP.returnCallIndirect:
      case OP.returnCallRef:
        seen.tailCalls += 1;
        break;
      case OP.memoryGrow:
        seen.memoryGrows += 1;
        payer.cost += RUNTIME_COST;
        break;
      case OP.tableSet:
        seen.tableWrites += 1;
        break;
      case OP.dataDrop:
      case OP.elemDrop:
        seen.segmentDrops += 1;
        break;
      case OP.memoryInit:
      case OP.memoryCopy:
      case OP.memoryFill:
        seen.bulk += 1;
        points.push({ at, cost: 0, bulk: 'memory' });
        break;
      case OP.tableInit:
      case OP.tableCopy:
      case OP.tableGrow:
      case OP.tableFill:
        seen.bulk += 1;
        seen.tableWrites += 1;
        payer.cost += RUNTIME_COST;
        points.push({ at, cost: 0, bulk: 'table' });
        break;
    }
  }
  if (payers.length > 0)
    throw refused(`expected a function to end before byte ${body.end}, but it has open blocks there`);
  seen.calls = Math.max(seen.calls, calls);
  return points;
}
