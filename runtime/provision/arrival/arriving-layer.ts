import type { IndexedFile, LayerIndex } from '../../../guest-sdk/protocol/index.ts';
import { ArrivingFile } from './arriving-file.ts';
import { LayerReader, type RangeReader } from './layer-reader.ts';
import type { Turn } from './turns.ts';

/** The files of a layer on their way, and what is read for them, in the order in which it shall come. */
export interface ArrivingLayer {
  readonly files: readonly ArrivingFile[];
  readonly turns: readonly Turn[];
}

/**
 * A layer that begins at `start` of what `read` gives. Where its index has digests of its pieces, these are read, and a guest waits for those alone whose
 * bytes it reads; where not, a file is all that can be verified. `want` is told of a turn, by its number among those of this layer, for which a guest waits.
 */
export function arrivingLayer(
  index: LayerIndex,
  start: number,
  read: RangeReader,
  want: (turn: number) => void,
): ArrivingLayer {
  const { frames } = index;
  const inPieces = frames.length > 0 && frames.every(({ digest }) => digest !== null);
  return inPieces ? ofFrames(index, new LayerReader(index, start, read), want) : ofFiles(index, start, read, want);
}

function ofFrames({ files, frames }: LayerIndex, reader: LayerReader, want: (turn: number) => void): ArrivingLayer {
  const takers = frames.map((): ((expanded: Uint8Array) => void)[] => []);
  const placed = files.map((file) => ({ file, pieces: reader.piecesOf(file) }));
  // What has nothing of a file, such as the end of the tar, is not read by itself.
  const used = new Set(placed.flatMap(({ pieces }) => pieces.map(({ frame }) => frame)));
  const order = [...used].sort((a, b) => a - b);
  const turnOf = new Map(order.map((frame, turn) => [frame, turn]));
  const arriving = placed.map(({ file, pieces }) => {
    const lengths = pieces.map(({ bytes }) => bytes);
    const arrives = new ArrivingFile(file, lengths, (piece) => want(turnOf.get(pieces[piece]!.frame)!));
    for (const [piece, { frame, at, bytes }] of pieces.entries())
      takers[frame]!.push((expanded) => arrives.take(piece, expanded.subarray(at, at + bytes)));
    return arrives;
  });
  const turns = order.map((frame): Turn => {
    return {
      take: async (urgent) => {
        const expanded = await reader.frame(frame, urgent);
        for (const take of takers[frame]!) take(expanded);
      },
    };
  });
  return { files: arriving, turns };
}

function ofFiles(index: LayerIndex, start: number, read: RangeReader, want: (turn: number) => void): ArrivingLayer {
  // One reader for what comes in its turn; who waits shares no piece with it, which may be far behind.
  const [inTurn, atOnce] = [new LayerReader(index, start, read), new LayerReader(index, start, read)];
  const pairs = index.files
    .filter(({ bytes }) => bytes > 0)
    .map((file, turn) => ({ file, arrives: new ArrivingFile(file, [file.bytes], () => want(turn)) }));
  const turns = pairs.map(({ file, arrives }): Turn => {
    return { take: async (urgent) => arrives.take(0, await (urgent ? atOnce : inTurn).file(file, urgent)) };
  });
  const empty = index.files.filter(({ bytes }) => bytes === 0);
  return { files: [...pairs.map(({ arrives }) => arrives), ...empty.map(nothing)], turns };
}

function nothing(file: IndexedFile): ArrivingFile {
  return new ArrivingFile(file, [], () => {});
}
