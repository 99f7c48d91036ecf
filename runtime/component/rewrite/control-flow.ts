import type { ChargePoint } from './function-scan.ts';
import { OP } from './instruction.ts';

/** Nothing gets here. */
const DEAD = -1;

/** An open block. Costs are those of the longest way since the place that pays for the code, which a loop's header starts anew. */
interface Level {
  readonly kind: 'block' | 'if' | 'loop' | 'try-table';
  /** Who pays for the code inside. */
  readonly point: ChargePoint;
  /** Cost when the block was entered, for the payer outside. */
  readonly entry: number;
  /** Most costly way that leads to the end of the block, for the payer outside. */
  arriving: number;
  /** Loops that are open inside this block, counting itself: what `#loops` held when it was opened. */
  readonly loops: number;
  /** Blocks, counted from the outside, that exceptions caught here go to. */
  readonly handlers: readonly number[];
}

/**
 * Follows the ways through a function body, instruction by instruction, and gives every place of charge the cost of its
 * longest way. Structured control flow makes this one pass: every branch goes to the end of an open block or back to a loop.
 */
export class ControlFlow {
  readonly #levels: Level[];
  readonly #loops: Level[] = [];
  /** Cost of the longest way to here, or `DEAD` after an instruction that goes elsewhere. */
  #cost = 0;

  /** `entry` pays for the function outside of loops. */
  constructor(entry: ChargePoint) {
    this.#levels = [{ kind: 'block', point: entry, entry: 0, arriving: DEAD, loops: 0, handlers: [] }];
  }

  /** Whether the body has not ended. */
  get open(): boolean {
    return this.#levels.length > 0;
  }

  /** Adds the cost of an instruction. */
  pay(cost: number): void {
    if (this.#cost === DEAD) return;
    this.#cost += cost;
    const { point } = this.#levels[this.#levels.length - 1]!;
    point.cost = Math.max(point.cost, this.#cost);
  }

  /** Opens a loop whose rounds are paid for at `header`. */
  enterLoop(header: ChargePoint): void {
    const loops = this.#loops.length + 1;
    const level: Level = { kind: 'loop', point: header, entry: this.#cost, arriving: DEAD, loops, handlers: [] };
    this.#levels.push(level);
    this.#loops.push(level);
    this.#cost = 0;
  }

  /** Goes where an instruction goes; `labels` are the blocks it may branch to, counted from the inside. Loops are opened by `enterLoop`. */
  follow(opcode: number, labels: readonly number[]): void {
    switch (opcode) {
      case OP.block:
      case OP.try:
        this.#enter('block');
        return;
      case OP.if:
        this.#enter('if');
        return;
      case OP.tryTable:
        this.#enter(
          'try-table',
          labels.map((label) => this.#levels.length - 1 - label),
        );
        return;
      case OP.else: {
        const level = this.#meet();
        this.#cost = level.entry;
        this.#levels[this.#levels.length - 1] = { ...level, kind: 'block' };
        return;
      }
      case OP.catch:
      case OP.catchAll:
        // An exception may come from anywhere in the block, so after its longest way.
        this.#cost = this.#meet().point.cost;
        return;
      case OP.end:
      case OP.delegate:
        this.#leave();
        return;
    }
    for (const label of labels) this.#arrive(this.#levels.length - 1 - label, this.#cost);
    if (LEAVES.has(opcode)) this.#cost = DEAD;
  }

  #enter(kind: Level['kind'], handlers: readonly number[] = []): void {
    const { point } = this.#levels[this.#levels.length - 1]!;
    this.#levels.push({ kind, point, entry: this.#cost, arriving: DEAD, loops: this.#loops.length, handlers });
  }

  /** Lets the way to here end where the innermost block ends. */
  #meet(): Level {
    const level = this.#levels[this.#levels.length - 1]!;
    level.arriving = Math.max(level.arriving, this.#cost);
    return level;
  }

  #arrive(index: number, cost: number): void {
    const target = this.#levels[index];
    if (target === undefined || target.kind === 'loop') return;
    // Code inside a loop is paid for by the loop: for the payer outside, the way out costs what the way in did.
    const crossed = this.#loops[target.loops];
    target.arriving = Math.max(target.arriving, crossed === undefined ? cost : crossed.entry);
  }

  #leave(): void {
    const level = this.#meet();
    for (const handler of level.handlers) this.#arrive(handler, level.point.cost);
    this.#levels.pop();
    if (level.kind === 'loop') {
      this.#loops.pop();
      this.#cost = this.#cost === DEAD ? DEAD : level.entry;
      return;
    }
    // Without an "else" the condition may lead straight to the end.
    this.#cost = level.kind === 'if' ? Math.max(level.arriving, level.entry) : level.arriving;
  }
}

/** Instructions after which nothing follows. */
const LEAVES: ReadonlySet<number> = new Set([
  OP.unreachable,
  OP.br,
  OP.brTable,
  OP.return,
  OP.throw,
  OP.rethrow,
  OP.throwRef,
  OP.returnCall,
  OP.returnCallIndirect,
  OP.returnCallRef,
]);
