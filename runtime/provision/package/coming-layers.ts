import type { FilesLayer } from '../../../guest-sdk/protocol/index.ts';
import { checkFileCount, invalidLayer, layerEntries, MAX_FILES_BYTES } from './layer-entries.ts';
import { SecondReader } from './second-reader.ts';

/** A file of a package, of which nothing was kept. */
export interface ListedFile {
  readonly length: number;
  /** Whether it is what came of it before; false when nothing was to have come. */
  readonly isAsCame: boolean;
}

/** Files that came before their layer, by their paths in the package. */
export type CameBefore = ReadonlyMap<string, { readonly here: Uint8Array | null }>;

type ComingLayer = Pick<FilesLayer, 'digest' | 'compression'>;

/** What is in a layer, in its order; one path is there once. */
type Listing = ReadonlyMap<string, ListedFile>;

/** What is in the layers of a package, found while they come: when the last byte is here, nothing is left to be expanded. */
export class ComingLayers {
  readonly #listings = new Map<string, Promise<Listing>>();
  #came: CameBefore = new Map();
  /** Of all of them: a few kilobytes of layers must not have gigabytes expanded. */
  #leftBytes = MAX_FILES_BYTES;
  #last: Promise<unknown> = Promise.resolve();

  /** Has the layers that follow compared with files that came before. */
  compare(came: CameBefore): void {
    this.#came = came;
  }

  /** The bytes of a layer on their way, and listed. Whoever reads them reads to the end, or the layer counts as not seen. */
  through(layer: ComingLayer, bytes: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
    const reader = new SecondReader();
    const listing = this.#list(layer, reader);
    // Told to who asks for it: that the layer has not its digest, or broke off, is told before.
    this.#last = listing.catch(() => {});
    this.#listings.set(keyOf(layer), listing);
    return reader.passing(bytes);
  }

  /**
   * The files of these layers; a later layer's file stands in for an earlier one's. Null when one of them did not come this way. `package-invalid`
   * says what is wrong, as `readPackageFiles`, which does the same of what is stored.
   */
  async files(layers: readonly ComingLayer[]): Promise<ReadonlyMap<string, ListedFile> | null> {
    const files = new Map<string, ListedFile>();
    let bytes = 0;
    for (const layer of layers) {
      const listing = await this.#listings.get(keyOf(layer));
      if (listing === undefined) return null;
      for (const [path, file] of listing) {
        bytes += file.length;
        files.set(path, file);
      }
      if (bytes > MAX_FILES_BYTES)
        throw invalidLayer(`files of at most ${MAX_FILES_BYTES} bytes in all layers, got more`);
      checkFileCount(files);
    }
    return files;
  }

  async #list(layer: ComingLayer, bytes: AsyncIterable<Uint8Array>): Promise<Listing> {
    // The end of the layer before may still be expanded: what is left is known behind it.
    await this.#last;
    const files = new Map<string, ListedFile>();
    for await (const { path, size, bytes: pieces } of layerEntries(bytes, layer, this.#leftBytes)) {
      this.#leftBytes -= size;
      const here = this.#came.get(path)?.here ?? null;
      files.set(path, { length: size, isAsCame: here !== null && (await isSame(here, size, pieces)) });
      checkFileCount(files);
    }
    return files;
  }
}

/** The same bytes may be two layers, of which one says that they are compressed. */
function keyOf({ digest, compression }: ComingLayer): string {
  return `${digest} ${compression}`;
}

async function isSame(here: Uint8Array, size: number, pieces: AsyncIterable<Uint8Array>): Promise<boolean> {
  if (here.length !== size) return false;
  let at = 0;
  for await (const piece of pieces) {
    if (Buffer.compare(piece, here.subarray(at, at + piece.length)) !== 0) return false;
    at += piece.length;
  }
  return true;
}
