import { CloudletError } from '../../../guest-sdk/protocol/index.ts';
import type { Part, PartSource } from '../deployment/rung.ts';
import type { RangeReader } from './layer-reader.ts';

/**
 * Reads ranges of what consists of these parts, in this order: the parts that have them are what the device sends next. A range that is not
 * within them is `package-invalid`: an author's index names it.
 */
export function partRanges(list: readonly Part[], source: PartSource, signal: AbortSignal): RangeReader {
  const starts: number[] = [];
  let total = 0;
  for (const { bytes } of list) {
    starts.push(total);
    total += bytes;
  }
  return async (start, end, urgent) => {
    // Before memory is taken for it.
    if (end > total)
      throw new CloudletError(
        'package-invalid',
        `a layer of files, by its index: expected a piece within the package's ${total} bytes, got one up to ${end}; pack it again`,
      );
    const range = new Uint8Array(end - start);
    const covering = list.flatMap((part, at) =>
      starts[at]! < end && starts[at]! + part.bytes > start ? [{ ...part, from: starts[at]! }] : [],
    );
    const place = ({ from }: { readonly from: number }, bytes: Uint8Array): void => {
      const piece = bytes.subarray(Math.max(0, start - from), end - from);
      range.set(piece, Math.max(0, from - start));
    };
    // All are asked for at once. When it is urgent the last first: each goes to the front of those before it.
    const coming = (urgent ? covering.toReversed() : covering).map(async (part) =>
      place(part, await source.get(part.digest, signal, urgent)),
    );
    await Promise.all(coming);
    return range;
  };
}
