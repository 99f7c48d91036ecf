import type { ByteSink } from '../../backend.ts';
import type { Context } from '../../context.ts';
import { DISPOSE } from '../../dispose.ts';
import { type Descriptor, sinkOf, sourceOf } from '../../filesystem/descriptor.ts';
import { type FilesystemErrorCode, fail } from '../../filesystem/error-code.ts';
import type { DescriptorFlags, OpenFlags } from '../../filesystem/open.ts';
import type { DescriptorStat, DescriptorType, NewTimestamp } from '../../filesystem/stat.ts';
import { drain } from '../stream/drain.ts';
import { type GuestStream, OK, type WitResult } from '../stream/guest-stream.ts';
import { SourceStream } from '../stream/source-stream.ts';

/** An enumeration of WASI 0.2 that has become a variant. */
interface Tagged<Tag> {
  readonly tag: Tag;
}

type Ended = WitResult<undefined, Tagged<FilesystemErrorCode>>;
type PathFlags = Parameters<Descriptor['statAt']>[0];

interface DirectoryEntry3 {
  readonly type: Tagged<DescriptorType>;
  readonly name: string;
}

/** `wasi:filesystem/types`'s resource `descriptor` in WASI 0.3: that of 0.2 with streams and other words. Nothing in it waits: all is in memory. */
export class Descriptor3 {
  readonly #context: Context;
  readonly #plain: Descriptor;

  constructor(context: Context, plain: Descriptor) {
    this.#context = context;
    this.#plain = plain;
  }

  readViaStream(offset: bigint): [AsyncIterable<Uint8Array>, Promise<Ended>] {
    const { promise, resolve } = Promise.withResolvers<Ended>();
    try {
      const source = sourceOf(this.#plain, position(offset));
      return [
        new SourceStream(this.#context, source, (failure) => resolve(failure === null ? OK : failed(failure))),
        promise,
      ];
    } catch (error) {
      return [nothing(), Promise.resolve(refusal(error))];
    }
  }

  writeViaStream(data: GuestStream, offset: bigint): Promise<Ended> {
    return this.#take(data, () => sinkOf(this.#plain, position(offset)));
  }

  appendViaStream(data: GuestStream): Promise<Ended> {
    return this.#take(data, () => sinkOf(this.#plain, null));
  }

  advise(): void {
    if (this.#plain.getType() === 'directory') throw { tag: 'bad-descriptor' };
  }

  syncData(): void {
    this.#plain.syncData();
  }

  sync(): void {
    this.#plain.sync();
  }

  getFlags(): DescriptorFlags {
    return this.#plain.getFlags();
  }

  getType(): Tagged<DescriptorType> {
    return { tag: this.#plain.getType() };
  }

  setSize(size: bigint): void {
    worded(() => this.#plain.setSize(size));
  }

  setTimes(accessed: NewTimestamp, modified: NewTimestamp): void {
    worded(() => this.#plain.setTimes(accessed, modified));
  }

  readDirectory(): [Iterable<DirectoryEntry3>, Promise<Ended>] {
    try {
      return [entriesOf(this.#plain.readDirectory()), Promise.resolve(OK)];
    } catch (error) {
      return [[], Promise.resolve(refusal(error))];
    }
  }

  createDirectoryAt(path: string): void {
    worded(() => this.#plain.createDirectoryAt(path));
  }

  stat() {
    return stat3(this.#plain.stat());
  }

  statAt(flags: PathFlags, path: string) {
    return stat3(worded(() => this.#plain.statAt(flags, path)));
  }

  setTimesAt(flags: PathFlags, path: string, accessed: NewTimestamp, modified: NewTimestamp): void {
    worded(() => this.#plain.setTimesAt(flags, path, accessed, modified));
  }

  linkAt(flags: PathFlags, path: string, target: Descriptor3, newPath: string): void {
    worded(() => this.#plain.linkAt(flags, path, target.#plain, newPath));
  }

  /** Who asks for nothing reads, and who makes a file writes to it. */
  openAt(pathFlags: PathFlags, path: string, openFlags: OpenFlags, flags: DescriptorFlags): Descriptor3 {
    const read = flags.read === true || flags.write !== true;
    const write = flags.write === true || openFlags.create === true;
    return new Descriptor3(
      this.#context,
      worded(() => this.#plain.openAt(pathFlags, path, openFlags, { ...flags, read, write }, true)),
    );
  }

  readlinkAt(path: string): string {
    return worded(() => this.#plain.readlinkAt(path));
  }

  removeDirectoryAt(path: string): void {
    worded(() => this.#plain.removeDirectoryAt(path));
  }

  renameAt(path: string, target: Descriptor3, newPath: string): void {
    worded(() => this.#plain.renameAt(path, target.#plain, newPath));
  }

  symlinkAt(target: string, path: string): void {
    worded(() => this.#plain.symlinkAt(target, path));
  }

  unlinkFileAt(path: string): void {
    worded(() => this.#plain.unlinkFileAt(path));
  }

  isSameObject(other: Descriptor3): boolean {
    return this.#plain.isSameObject(other.#plain);
  }

  metadataHash() {
    return this.#plain.metadataHash();
  }

  metadataHashAt(flags: PathFlags, path: string) {
    return worded(() => this.#plain.metadataHashAt(flags, path));
  }

  [DISPOSE](): void {
    this.#plain[DISPOSE]();
  }

  async #take(data: GuestStream, open: () => ByteSink): Promise<Ended> {
    let sink: ByteSink;
    try {
      sink = open();
    } catch (error) {
      data[DISPOSE]();
      return refusal(error);
    }
    const failure = await drain(this.#context, data, sink);
    sink.close();
    return failure === null ? OK : failed(failure);
  }
}

/** Offsets are signed where files are known to other systems. */
function position(offset: bigint): bigint {
  return offset < 2n ** 63n ? offset : fail('invalid');
}

/** What `operation` gives, with the words of 0.3 for its errors. */
function worded<Result>(operation: () => Result): Result {
  try {
    return operation();
  } catch (error) {
    throw typeof error === 'string' ? { tag: error } : error;
  }
}

function refusal(error: unknown): Ended {
  if (typeof error !== 'string') throw error;
  return { tag: 'err', val: { tag: error as FilesystemErrorCode } };
}

function failed({ filesystem }: { readonly filesystem: FilesystemErrorCode | undefined }): Ended {
  return { tag: 'err', val: { tag: filesystem ?? 'overflow' } };
}

function stat3({ type, ...rest }: DescriptorStat) {
  return { ...rest, type: { tag: type } };
}

/** The entries, and the end of their stream when they are no more or not wanted any more. */
function* entriesOf(stream: ReturnType<Descriptor['readDirectory']>): Generator<DirectoryEntry3> {
  try {
    for (;;) {
      const entry = stream.readDirectoryEntry();
      if (entry === undefined) return;
      yield { type: { tag: entry.type }, name: entry.name };
    }
  } finally {
    stream[DISPOSE]();
  }
}

async function* nothing(): AsyncGenerator<Uint8Array> {}
