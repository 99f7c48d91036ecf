import { type ByteReader, refused } from '../binary/byte-reader.ts';
import { ControlFlow } from './control-flow.ts';
import { type Immediate, OP, readInstruction } from './instruction.ts';

/** A place in a function where fuel is charged. */
export interface ChargePoint {
  /** Offset in the module before which the charge is inserted. */
  readonly at: number;
  /** Fuel for the longest way from here to the end of the function, a loop's next round or a way out of the loop. */
  cost: number;
  /** What else is charged for: elements or bytes that the next instruction handles, as its last operand says. */
  readonly bulk: 'memory' | 'table' | null;
  /** Nothing is charged for here: the instruction before has grown a memory, or has not. */
  readonly grown?: true;
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

/** Fuel of a call to an import, and of an instruction that V8 does in its runtime: about their time in plain instructions. */
const HOST_CALL_COST = 30;
const RUNTIME_COST = 300;

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

/**
 * Steps through the instructions of a body. What is charged at a place is the longest way from there to the next place, not
 * all the code in between: a loop around a big switch, the heart of every interpreter, goes through one case in each round.
 */
function scanInstructions(body: ByteReader, importedFunctions: number, seen: CodeScan): ChargePoint[] {
  const points: ChargePoint[] = [{ at: body.at, cost: 0, bulk: null }];
  const flow = new ControlFlow(points[0]!);
  const immediate: Immediate = { index: 0, labels: [] };
  let calls = 0;
  while (!body.done) {
    const at = body.at;
    const opcode = readInstruction(body, immediate);
    if (!flow.open) throw body.malformed('the end of a function');
    flow.pay(1 + extraCost(opcode, immediate.index < importedFunctions));
    switch (opcode) {
      case OP.loop: {
        const header: ChargePoint = { at: body.at, cost: 1, bulk: null };
        points.push(header);
        flow.enterLoop(header);
        seen.loops += 1;
        break;
      }
      case OP.call:
      case OP.callIndirect:
      case OP.callRef:
        calls += 1;
        break;
      case OP.returnCall:
      case OP.returnCallIndirect:
      case OP.returnCallRef:
        seen.tailCalls += 1;
        break;
      case OP.try:
      case OP.tryTable:
      case OP.throw:
      case OP.rethrow:
      case OP.throwRef:
        seen.exceptions += 1;
        break;
      case OP.memoryGrow:
        seen.memoryGrows += 1;
        points.push({ at: body.at, cost: 0, bulk: null, grown: true });
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
        points.push({ at, cost: 0, bulk: 'table' });
        break;
    }
    flow.follow(opcode, immediate.labels);
  }
  if (flow.open) {
    throw refused(`expected a function to end before byte ${body.end}, but it has open blocks there`);
  }
  seen.calls = Math.max(seen.calls, calls);
  return points;
}

/** Fuel beyond 1 for instructions that leave compiled code, or that a loop could use to keep the host busy. */
function extraCost(opcode: number, callsImport: boolean): number {
  switch (opcode) {
    case OP.call:
      return callsImport ? HOST_CALL_COST : 0;
    case OP.throw:
    case OP.rethrow:
    case OP.throwRef:
    case OP.memoryGrow:
    case OP.tableInit:
    case OP.tableCopy:
    case OP.tableGrow:
    case OP.tableFill:
      return RUNTIME_COST;
    default:
      return 0;
  }
}
