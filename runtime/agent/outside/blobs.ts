import {
  type BlobBackend,
  type BlobUpload,
  type ByteSink,
  type ByteSource,
  type ContainerFacts,
  type NamePage,
  type ObjectFacts,
  StreamFailure,
} from '../../wasi/index.ts';
import type { Outside, OutsideCall } from './outside.ts';
import { answerOf, asStoreFailure } from './transfer.ts';

/** Offsets travel as numbers; nothing that is stored is longer. */
const MOST_OFFSET = Number.MAX_SAFE_INTEGER - 1;

/** The containers of the function, at its host. */
export function blobsOver(outside: Outside): BlobBackend {
  const ask = (service: string, args: object): Promise<unknown> => answerOf(outside.ask(`blobs.${service}`, args));
  return {
    async createContainer(container) {
      await ask('create-container', { container });
    },
    async container(container) {
      const createdAtS = (await ask('container', { container })) as number | null;
      return createdAtS === null ? undefined : ({ createdAtS } satisfies ContainerFacts);
    },
    async deleteContainer(container) {
      await ask('delete-container', { container });
    },
    async clear(container) {
      await ask('clear', { container });
    },
    async names(container, after, most) {
      return (await ask('names', { container, after, most })) as NamePage;
    },
    async object(place) {
      return ((await ask('object', place)) as ObjectFacts | null) ?? undefined;
    },
    async deleteObjects(container, objects) {
      // Names of a page fit into one answer; those of one request are kept as few.
      for (let at = 0; at < objects.length; at += OBJECTS_AT_ONCE)
        await ask('delete-objects', { container, objects: objects.slice(at, at + OBJECTS_AT_ONCE) });
    },
    async copy(source, destination, move) {
      await ask('copy', { source, destination, move });
    },
    async download(place, start, end) {
      const call = outside.ask('blobs.download', { ...place, start: clipped(start), end: clipped(end) });
      try {
        const { sizeBytes } = (await call.answer) as { sizeBytes: number };
        return { sizeBytes, source: wholeSource(call) };
      } catch (error) {
        call.forget();
        throw asStoreFailure(error);
      }
    },
    upload: () => uploadOver(outside),
  };
}

/** Names of 1 KiB each, and what is around them, fit into one request. */
const OBJECTS_AT_ONCE = 48;

function clipped(offset: bigint): number {
  return offset > MOST_OFFSET ? MOST_OFFSET : Number(offset);
}

/** The bytes of a download; its end comes only when the host has said that they were all. */
function wholeSource(call: OutsideCall): ByteSource {
  const { source } = call;
  let end: 'unknown' | 'whole' | Error = 'unknown';
  const told = call.end.then(
    () => {
      end = 'whole';
    },
    (error: unknown) => {
      end = error as Error;
    },
  );
  let atEnd = false;
  return {
    read(max) {
      const chunk = atEnd ? null : source.read(max);
      if (chunk !== null) return chunk;
      atEnd = true;
      if (end === 'whole') return null;
      if (end === 'unknown') return new Uint8Array(0);
      throw new StreamFailure(end.message);
    },
    get ready() {
      return atEnd ? end !== 'unknown' : source.ready;
    },
    wait: () => (atEnd ? told : source.wait()),
    close: () => call.forget(),
  };
}

/** The sink of an upload, which knows only that no more is taken when the host has said why. */
function failingAs(sink: ByteSink, why: () => unknown): ByteSink {
  const guarded = <Result>(operation: () => Result): Result => {
    try {
      return operation();
    } catch (error) {
      const reason = why();
      throw error instanceof StreamFailure && reason instanceof Error ? new StreamFailure(reason.message) : error;
    }
  };
  return {
    get capacity() {
      return guarded(() => sink.capacity);
    },
    write: (bytes) => guarded(() => sink.write(bytes)),
    wait: () => sink.wait(),
    flush: () => guarded(() => sink.flush()),
    close: () => sink.close(),
  };
}

function uploadOver(outside: Outside): BlobUpload {
  const call = outside.ask('blobs.upload', {});
  let failure: unknown;
  // Told by `commit`; until then the sink says that no more is taken.
  call.answer.catch(() => {});
  call.end.catch((error: unknown) => {
    failure = error;
  });
  return {
    sink: failingAs(call.sink, () => failure),
    async commit(place) {
      try {
        const { upload } = (await call.answer) as { upload: number };
        await answerOf(outside.ask('blobs.commit', { ...place, upload }));
      } catch (error) {
        // The first reason is the better one.
        throw asStoreFailure(failure ?? error);
      }
    },
    abandon: () => call.forget(),
  };
}
