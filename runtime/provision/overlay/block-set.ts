import { VarintReader, VarintWriter } from './varint.ts';

/** Blocks that follow each other. */
export interface BlockRun {
  readonly at: number;
  readonly count: number;
}

/** A set of blocks as text: distance and length of each run, ascending, as varints in base64url. */
export function encodeBlockSet(blocks: Iterable<number>): string {
  const writer = new VarintWriter();
  let end = 0;
  for (const { at, count } of runsOf(blocks)) {
    writer.unsigned(at - end);
    writer.unsigned(count);
    end = at + count;
  }
  return Buffer.from(writer.bytes()).toString('base64url');
}

/** The runs of a set from its text. Throws an error with a clause when it is none, or names a block from `limit` on. */
export function decodeBlockSet(text: string, limit: number): BlockRun[] {
  const reader = new VarintReader(Buffer.from(text, 'base64url'));
  const runs: BlockRun[] = [];
  let end = 0;
  while (!reader.atEnd) {
    const at = end + reader.unsigned();
    const count = reader.unsigned();
    if (count === 0) throw new Error('a run of blocks is empty');
    end = at + count;
    if (end > limit) throw new Error(`a run of blocks ends at ${end} of ${limit}`);
    runs.push({ at, count });
  }
  return runs;
}

/** Joins blocks, in any order and each once, into runs. */
function* runsOf(blocks: Iterable<number>): Generator<BlockRun> {
  let [at, count] = [-1, 0];
  for (const block of [...blocks].sort((a, b) => a - b)) {
    if (count > 0 && block === at + count) count += 1;
    else {
      if (count > 0) yield { at, count };
      [at, count] = [block, 1];
    }
  }
  if (count > 0) yield { at, count };
}
