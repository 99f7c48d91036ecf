import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { blobsOver } from '../../../runtime/agent/outside/blobs.ts';
import { keyValueOver } from '../../../runtime/agent/outside/keyvalue.ts';
import { Stores } from '../../../runtime/outside/stores.ts';
import {
  type BlobBackend,
  type ByteSink,
  type ByteSource,
  type KeyValueBackend,
  StreamFailure,
} from '../../../runtime/wasi/index.ts';
import { DirectOutside } from '../../support/direct-outside.ts';

/** Real stores in a directory of their own, and guests of functions that ask them. */
export class StoreLab {
  readonly directory: string;
  stores: Stores;
  /** What the stores take for the time, seconds since 1970. */
  nowS = 1_800_000_000;

  private constructor(directory: string, stores: Stores) {
    this.directory = directory;
    this.stores = stores;
  }

  static async open(): Promise<StoreLab> {
    const directory = await mkdtemp(join(tmpdir(), 'cloudlet-stores-'));
    const lab = new StoreLab(directory, null as unknown as Stores);
    lab.stores = await lab.#open(() => true);
    return lab;
  }

  /** Closes the stores and opens them again, as after a restart; other functions than these are gone. */
  async reopen(isFunction: (name: string) => boolean = () => true): Promise<void> {
    this.stores.close();
    this.stores = await this.#open(isFunction);
  }

  /** What the guests of a function ask, and the backends that do it for them. */
  guest(
    functionName = 'notes',
    quotaBytes = 64 * 1024 * 1024,
  ): { outside: DirectOutside; keyValue: KeyValueBackend; blobs: BlobBackend } {
    const grant = { functionName, quotaBytes };
    const outside = new DirectOutside({ ...this.stores.keyValueServices(grant), ...this.stores.blobServices(grant) });
    return { outside, keyValue: keyValueOver(outside), blobs: blobsOver(outside) };
  }

  /** Names of the files in a folder of the stores and below. */
  async files(folder: string): Promise<string[]> {
    const entries = await readdir(join(this.directory, 'stores', folder), { recursive: true, withFileTypes: true });
    return entries.filter((entry) => entry.isFile()).map((entry) => entry.name);
  }

  async close(): Promise<void> {
    this.stores.close();
    await rm(this.directory, { recursive: true });
  }

  #open(isFunction: (name: string) => boolean): Promise<Stores> {
    return Stores.open(this.directory, { isFunction, nowS: () => this.nowS });
  }
}

/** Stores an object. When the host takes no more bytes, the commit says why. */
export async function putObject(
  blobs: BlobBackend,
  container: string,
  object: string,
  bytes: Uint8Array,
): Promise<void> {
  const upload = blobs.upload();
  try {
    await writeAll(upload.sink, bytes);
    await upload.commit({ container, object });
  } finally {
    upload.abandon();
  }
}

async function writeAll(sink: ByteSink, bytes: Uint8Array): Promise<void> {
  try {
    for (let rest = bytes; rest.length > 0; ) {
      const room = sink.capacity;
      if (room === 0) await sink.wait();
      sink.write(rest.subarray(0, room));
      rest = rest.subarray(room);
    }
  } catch (error) {
    if (!(error instanceof StreamFailure)) throw error;
  }
  sink.close();
}

/** All bytes of a source. */
export async function allBytes(source: ByteSource): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for (;;) {
    const chunk = source.read(1 << 20);
    if (chunk === null) return Buffer.concat(chunks);
    chunks.push(chunk.slice());
    if (!source.ready) await source.wait();
  }
}

/** An object, or a part of it. */
export async function getObject(
  blobs: BlobBackend,
  container: string,
  object: string,
  start = 0n,
  end = 2n ** 64n - 1n,
) {
  const { sizeBytes, source } = await blobs.download({ container, object }, start, end);
  const bytes = await allBytes(source);
  source.close();
  assert.is(bytes.length, sizeBytes);
  return bytes;
}

/** Fails unless the promise is rejected with this code and such a sentence. */
export async function refused(promise: Promise<unknown>, code: string, sentence: RegExp): Promise<void> {
  const error = await promise.then(
    () => assert.unreachable(`expected a refusal: ${code}`),
    (thrown: unknown) => thrown as Error & { code: string },
  );
  assert.is(error!.code, code, String(error));
  assert.match(error!.message, sentence);
}

/** A request to a service without bytes, as a hostile agent may send it. */
export function bare(args: unknown) {
  const nothing = {
    read: () => null,
    ready: true,
    wait: async () => {},
    close() {},
  };
  const sink = { capacity: 1 << 20, write() {}, wait: async () => {}, flush: () => undefined, close() {} };
  return { args, source: nothing, sink, signal: new AbortController().signal };
}
