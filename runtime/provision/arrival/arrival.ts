import {
  asCloudletError,
  CloudletError,
  type DescribedLayer,
  type Digest,
  TAR_BLOCK_BYTES,
} from '../../../guest-sdk/protocol/index.ts';
import { MAX_FILES, MAX_FILES_BYTES } from '../package/package-files.ts';
import { ArrivingFile } from './arriving-file.ts';
import { LayerReader, type RangeReader } from './layer-reader.ts';

/** The files of a package on their way: known by name, length and digest at once, there one after another. */
export class Arrival {
  /** By their paths in the package; a later layer's file stands in for an earlier one's. */
  readonly files: ReadonlyMap<string, ArrivingFile>;
  /** Settles when all are here, or one does not come: then with `files-missing`, or what is wrong with it. */
  readonly whole: Promise<void>;

  private constructor(files: ReadonlyMap<string, ArrivingFile>, name: string) {
    this.files = files;
    this.whole = this.#come().catch((error: unknown) => {
      const failure = missingFiles(name, error);
      for (const file of files.values()) file.fail(failure);
      throw failure;
    });
    this.whole.catch(() => {}); // Whoever serves early hears of it.
  }

  /**
   * Has the files of these layers come, in their order, what guests wait for first. The layers follow each other, from `start` on, in what `read`
   * gives, a tar. Null when they cannot come so: a layer has no index, or they are more than there may be.
   */
  static begin(name: string, layers: readonly DescribedLayer[], start: number, read: RangeReader): Arrival | null {
    const files = new Map<string, ArrivingFile>();
    const places = new Map<Digest, number>();
    let [at, bytes] = [start, 0];
    for (const { digest, sizeBytes, index } of layers) {
      if (index === null) return null;
      const place = places.get(digest) ?? at;
      if (!places.has(digest)) at += Math.ceil(sizeBytes / TAR_BLOCK_BYTES) * TAR_BLOCK_BYTES + TAR_BLOCK_BYTES;
      places.set(digest, place);
      // One reader for what comes in its turn; who waits shares no piece with it, which may be far behind.
      const [inTurn, atOnce] = [new LayerReader(index, place, read), new LayerReader(index, place, read)];
      for (const file of index.files) {
        bytes += file.bytes;
        const take = (urgent: boolean) => (urgent ? atOnce : inTurn).file(file, urgent);
        files.set(file.path, new ArrivingFile(file.bytes, take));
      }
    }
    return files.size > MAX_FILES || bytes > MAX_FILES_BYTES ? null : new Arrival(files, name);
  }

  async #come(): Promise<void> {
    for (const file of this.files.values()) await file.come();
  }
}

/** What is told to who waits for files that do not come, or are not what they should be. */
export function missingFiles(name: string, thrown: unknown): CloudletError {
  const error = asCloudletError(thrown);
  if (error.code === 'package-invalid' || error.code === 'files-missing') return error;
  const sentence = `expected the files of "${name}" to follow it, but they do not come: ${error.message}; deploy it again`;
  return new CloudletError('files-missing', sentence, { cause: error });
}
