import {
  type BlobBackend,
  type BlobUpload,
  type ByteSource,
  type MemorySink,
  memorySink,
  memorySource,
  type ObjectPlace,
  StoreFailure,
} from '../../../../runtime/wasi/index.ts';

/** Containers in memory, made at second 7. Notes what became of uploads and downloads. */
export class MemoryBlobs implements BlobBackend {
  readonly containers = new Map<string, Map<string, Uint8Array>>();
  readonly notes: string[] = [];
  /** The next question fails with it. */
  failure: unknown = null;
  /** What the next download gives instead of the object's bytes. */
  source: ByteSource | null = null;

  async createContainer(name: string): Promise<void> {
    this.#fail();
    if (this.containers.has(name)) throw new StoreFailure('other', `there is a ${name}`);
    this.containers.set(name, new Map());
  }

  async container(name: string) {
    this.#fail();
    return this.containers.has(name) ? { createdAtS: 7 } : undefined;
  }

  async deleteContainer(name: string): Promise<void> {
    this.#container(name);
    this.containers.delete(name);
  }

  async clear(container: string): Promise<void> {
    this.#container(container).clear();
  }

  async names(container: string, after: string | null, most: number) {
    const names = [...this.#container(container).keys()].sort().filter((name) => after === null || name > after);
    this.notes.push(`names ${most}`);
    // Pages of three, as from a store that gives fewer than it was asked for.
    const page = names.slice(0, Math.min(most, 3));
    return { names: page, atEnd: page.length === names.length };
  }

  async object({ container, object }: ObjectPlace) {
    const bytes = this.#container(container).get(object);
    return bytes && { createdAtS: 8, sizeBytes: bytes.length };
  }

  async deleteObjects(container: string, names: readonly string[]): Promise<void> {
    for (const name of names) this.#container(container).delete(name);
  }

  async copy(source: ObjectPlace, destination: ObjectPlace, move: boolean): Promise<void> {
    const bytes = this.#container(source.container).get(source.object);
    if (bytes === undefined) throw new StoreFailure('other', `no ${source.object}`);
    this.#container(destination.container).set(destination.object, bytes);
    if (move) this.#container(source.container).delete(source.object);
  }

  async download({ container, object }: ObjectPlace, start: bigint, end: bigint) {
    const bytes = this.#container(container).get(object);
    if (bytes === undefined) throw new StoreFailure('other', `no ${object}`);
    const part = bytes.subarray(Number(start), end > 1e9 ? bytes.length : Number(end) + 1);
    const source = this.source ?? memorySource(part);
    this.source = null;
    const close = () => {
      this.notes.push('download closed');
      source.close();
    };
    const noting: ByteSource = {
      read: (max) => source.read(max),
      get ready() {
        return source.ready;
      },
      wait: () => source.wait(),
      close,
    };
    return { sizeBytes: part.length, source: noting };
  }

  upload(): BlobUpload {
    const sink: MemorySink = memorySink(1e9);
    this.notes.push('upload');
    return {
      sink,
      commit: async ({ container, object }) => {
        this.#container(container).set(object, sink.bytes());
        this.notes.push(`commit ${object}${sink.closed ? '' : ' early'}`);
      },
      abandon: () => this.notes.push('abandon'),
    };
  }

  #container(name: string): Map<string, Uint8Array> {
    this.#fail();
    const found = this.containers.get(name);
    if (found === undefined) throw new StoreFailure('other', `no ${name}`);
    return found;
  }

  #fail(): void {
    const { failure } = this;
    this.failure = null;
    if (failure !== null) throw failure;
  }
}
