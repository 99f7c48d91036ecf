/** Units behind each other that are marked, or are not; none of those that are marked is in a piece that is not. */
export type TakePiece = (from: number, to: number, isMarked: boolean) => void;

/** Gives the pieces of a row of units in their order. A gap of fewer than `least` counts as marked, unless there is no mark at all. */
export function takePieces(marks: Uint8Array, from: number, to: number, least: number, take: TakePiece): void {
  let begun = from;
  let wasMarked = false;
  for (let at = from, end = from; at < to; at = end) {
    const mark = marks[at];
    while (end < to && marks[end] === mark) end += 1;
    const isMarked = mark === 1 || (end - at < least && end - at < to - from);
    if (at > from && isMarked !== wasMarked) {
      take(begun, at, wasMarked);
      begun = at;
    }
    wasMarked = isMarked;
  }
  if (to > from) take(begun, to, wasMarked);
}

/** The least gap with which there are no more than so many pieces; of many rows, there must not be more rows. */
export function leastGap(
  marks: Uint8Array,
  rows: Iterable<{ readonly from: number; readonly to: number }>,
  most: number,
): number {
  for (let least = 1; ; least *= 2) {
    let count = 0;
    for (const { from, to } of rows) {
      takePieces(marks, from, to, least, () => {
        count += 1;
      });
    }
    if (count <= most) return least;
  }
}
