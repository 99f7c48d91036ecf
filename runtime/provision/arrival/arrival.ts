import {
  asCloudletError,
  CloudletError,
  type DescribedLayer,
  type Digest,
  TAR_BLOCK_BYTES,
} from '../../../guest-sdk/protocol/index.ts';
import { MAX_FILES, MAX_FILES_BYTES } from '../package/layer-entries.ts';
import type { ArrivingFile } from './arriving-file.ts';
import { arrivingLayer } from './arriving-layer.ts';
import type { RangeReader } from './layer-reader.ts';
import { type Turn, Turns } from './turns.ts';

/** Most pieces of the files of a package: each is something to remember. */
const MAX_PIECES = 16_384;

/** The files of a package on their way: known by name, length and digest at once, there piece by piece. */
export class Arrival {
  /** By their paths in the package; a later layer's file stands in for an earlier one's. */
  readonly files: ReadonlyMap<string, ArrivingFile>;
  /** Settles when all are here, or one does not come: then with `files-missing`, or what is wrong with it. */
  readonly whole: Promise<void>;

  private constructor(files: ReadonlyMap<string, ArrivingFile>, turns: Turns, name: string) {
    this.files = files;
    this.whole = turns.all().catch((error: unknown) => {
      const failure = missingFiles(name, error);
      for (const file of files.values()) file.fail(failure);
      throw failure;
    });
    this.whole.catch(() => {}); // Whoever serves early hears of it.
  }

  /**
   * Has the files of these layers come, in their order, what guests wait for first. The layers follow each other, from `start` on, in what `read`
   * gives, a tar. Null when they cannot come so: a layer has no index, or they are more than there may be. `package-invalid` when an index contradicts itself.
   */
  static begin(name: string, layers: readonly DescribedLayer[], start: number, read: RangeReader): Arrival | null {
    const files = new Map<string, ArrivingFile>();
    const places = new Map<Digest, number>();
    const list: Turn[] = [];
    let turns: Turns | null = null;
    let [at, bytes, pieces] = [start, 0, 0];
    for (const { digest, sizeBytes, index } of layers) {
      if (index === null) return null;
      const place = places.get(digest) ?? at;
      if (!places.has(digest)) at += Math.ceil(sizeBytes / TAR_BLOCK_BYTES) * TAR_BLOCK_BYTES + TAR_BLOCK_BYTES;
      places.set(digest, place);
      bytes += index.files.reduce((sum, file) => sum + file.bytes, 0);
      if (bytes > MAX_FILES_BYTES) return null;
      const before = list.length;
      const layer = arrivingLayer(index, place, read, (turn) => turns?.want(before + turn));
      list.push(...layer.turns);
      for (const file of layer.files) {
        pieces += file.pieces.length;
        files.set(file.path, file);
      }
    }
    if (files.size > MAX_FILES || pieces > MAX_PIECES) return null;
    turns = new Turns(list);
    return new Arrival(files, turns, name);
  }
}

/** What is told to who waits for files that do not come, or are not what they should be. */
export function missingFiles(name: string, thrown: unknown): CloudletError {
  const error = asCloudletError(thrown);
  if (error.code === 'package-invalid' || error.code === 'files-missing') return error;
  const sentence = `expected the files of "${name}" to follow it, but they do not come: ${error.message}; deploy it again`;
  return new CloudletError('files-missing', sentence, { cause: error });
}
