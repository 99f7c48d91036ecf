import type { ByteSink, ByteSource } from '../backend.ts';
import { type Datetime, datetimeOf } from '../clocks/datetime.ts';
import type { Context } from '../context.ts';
import { DISPOSE } from '../dispose.ts';
import { InputStream } from '../io/input-stream.ts';
import { clipLength } from '../io/length.ts';
import { OutputStream } from '../io/output-stream.ts';
import { type FileUse, pathFrom } from '../use-observer.ts';
import { readContent } from './content.ts';
import { DirectoryEntryStream } from './directory-stream.ts';
import { fail } from './error-code.ts';
import { fileSink, fileSource } from './file-stream.ts';
import type { FileTree } from './file-tree.ts';
import type { DirectoryNode, FileNode, TreeNode } from './node.ts';
import { type DescriptorFlags, type OpenFlags, openNode } from './open.ts';
import { metadataHashOf, type NewTimestamp, setTimesOf, statOf, typeOf } from './stat.ts';

interface PathFlags {
  readonly symlinkFollow?: boolean;
}

/** The bytes of a file from an offset on. */
export let sourceOf: (descriptor: Descriptor, offset: bigint) => ByteSource;

/** Takes bytes for a file from an offset on, or for its end when that is null. */
export let sinkOf: (descriptor: Descriptor, offset: bigint | null) => ByteSink;

/** `wasi:filesystem/types`'s resource `descriptor`: an open file or directory of a `FileTree`. */
export class Descriptor {
  readonly #context: Context;
  readonly #tree: FileTree;
  readonly #node: FileNode | DirectoryNode;
  readonly #flags: DescriptorFlags;
  /** Absolute, as it was opened. */
  readonly #path: string;
  #dropped = false;

  constructor(context: Context, tree: FileTree, node: FileNode | DirectoryNode, flags: DescriptorFlags, path: string) {
    context.retain();
    this.#context = context;
    this.#tree = tree;
    this.#node = node;
    this.#flags = flags;
    this.#path = path;
    if (node.kind === 'file') tree.use(node);
  }

  readViaStream(offset: bigint): InputStream {
    return new InputStream(this.#context, sourceOf(this, offset));
  }

  writeViaStream(offset: bigint): OutputStream {
    return new OutputStream(this.#context, sinkOf(this, offset));
  }

  appendViaStream(): OutputStream {
    return new OutputStream(this.#context, sinkOf(this, null));
  }

  // Not methods: a component may declare any method of a resource that it imports, and the glue would call it.
  static {
    sourceOf = (descriptor, offset) => fileSource(descriptor.#tree, descriptor.#readable(), offset);
    sinkOf = (descriptor, offset) =>
      fileSink(descriptor.#tree, descriptor.#writable(), offset, () => descriptor.#now());
  }

  advise(): void {
    this.#file();
  }

  /** Nothing is buffered: what was written is in the tree. */
  syncData(): void {}

  sync(): void {}

  getFlags(): DescriptorFlags {
    return this.#flags;
  }

  getType() {
    return typeOf(this.#node);
  }

  setSize(size: bigint): void {
    this.#tree.resize(this.#writable(), size, this.#now());
  }

  setTimes(accessed: NewTimestamp, modified: NewTimestamp): void {
    setTimesOf(this.#node, accessed, modified, this.#now());
  }

  read(length: bigint, offset: bigint): [Uint8Array, boolean] {
    const file = this.#readable();
    const bytes = readContent(file, offset, clipLength(length, this.#context.backend.limits.transferBytes));
    this.#context.worked(bytes.length);
    return [bytes, offset + BigInt(bytes.length) >= BigInt(file.size)];
  }

  write(buffer: Uint8Array, offset: bigint): bigint {
    this.#context.worked(buffer.length);
    this.#tree.write(this.#writable(), offset, buffer, this.#now());
    return BigInt(buffer.length);
  }

  readDirectory(): DirectoryEntryStream {
    const directory = this.#directory();
    if (!this.#flags.read) fail('bad-descriptor');
    this.#note('', 'listed');
    return new DirectoryEntryStream(this.#context, this.#tree, directory);
  }

  createDirectoryAt(path: string): void {
    this.#change(path, () => this.#tree.createDirectory(this.#mutable(), path, this.#now()));
  }

  stat() {
    return statOf(this.#node);
  }

  statAt(flags: PathFlags, path: string) {
    return statOf(this.#at(flags, path));
  }

  setTimesAt(flags: PathFlags, path: string, accessed: NewTimestamp, modified: NewTimestamp): void {
    this.#mutable();
    setTimesOf(this.#at(flags, path), accessed, modified, this.#now());
  }

  linkAt(flags: PathFlags, path: string, target: Descriptor, newPath: string): void {
    target.#change(newPath, () => {
      this.#mutable();
      this.#tree.createLink(this.#at(flags, path), this.#sameTree(target), newPath, this.#now());
    });
  }

  /** `asked`: see `openNode`. */
  openAt(pathFlags: PathFlags, path: string, openFlags: OpenFlags, flags: DescriptorFlags, asked = false): Descriptor {
    const base = { directory: this.#directory(), mutable: this.#flags.mutateDirectory === true, asked };
    const follow = pathFlags.symlinkFollow === true;
    const writes = flags.write || openFlags.create || openFlags.truncate;
    const opened = this.#looking(path, openFlags.create === true, () =>
      openNode(this.#tree, base, path, follow, openFlags, flags, () => this.#now()),
    );
    const isFile = opened.node.kind === 'file';
    if (isFile && writes) this.#note(path, 'written');
    if (isFile && (opened.flags.read || !writes)) this.#note(path, 'read');
    return new Descriptor(this.#context, this.#tree, opened.node, opened.flags, pathFrom(this.#path, path));
  }

  readlinkAt(path: string): string {
    const node = this.#at({}, path);
    return node.kind === 'symlink' ? node.target : fail('invalid');
  }

  removeDirectoryAt(path: string): void {
    this.#change(path, () => this.#tree.removeDirectory(this.#mutable(), path, this.#now()));
  }

  renameAt(path: string, target: Descriptor, newPath: string): void {
    this.#change(path, () =>
      target.#change(newPath, () =>
        this.#tree.rename(this.#mutable(), path, this.#sameTree(target), newPath, this.#now()),
      ),
    );
  }

  symlinkAt(target: string, path: string): void {
    this.#change(path, () => this.#tree.createSymlink(target, this.#mutable(), path, this.#now()));
  }

  unlinkFileAt(path: string): void {
    this.#change(path, () => this.#tree.removeFile(this.#mutable(), path, this.#now()));
  }

  isSameObject(other: Descriptor): boolean {
    return this.#node === other.#node;
  }

  metadataHash() {
    return metadataHashOf(this.#node);
  }

  metadataHashAt(flags: PathFlags, path: string) {
    return metadataHashOf(this.#at(flags, path));
  }

  [DISPOSE](): void {
    if (this.#dropped) return;
    this.#dropped = true;
    this.#context.release();
    if (this.#node.kind === 'file') this.#tree.unuse(this.#node);
  }

  #now(): Datetime {
    return datetimeOf(this.#context.backend.clock.wallMs());
  }

  #at(flags: PathFlags, path: string): TreeNode {
    const node = this.#looking(path, false, () =>
      this.#tree.node(this.#directory(), path, flags.symlinkFollow === true),
    );
    this.#note(path, 'looked-at');
    return node;
  }

  #note(path: string, use: FileUse): void {
    this.#context.backend.use?.file(pathFrom(this.#path, path), use);
  }

  /** Tells of what is not there, unless it was to be made or removed, and of what may not be changed. */
  #looking<Found>(path: string, changes: boolean, look: () => Found): Found {
    try {
      return look();
    } catch (code) {
      if (code === 'no-entry' && !changes) this.#note(path, 'missing');
      else if (code === 'read-only') this.#note(path, 'read-only');
      throw code;
    }
  }

  #change(path: string, change: () => void): void {
    this.#looking(path, true, change);
    this.#note(path, 'written');
  }

  #sameTree(target: Descriptor): DirectoryNode {
    if (target.#tree !== this.#tree) fail('cross-device');
    return target.#mutable();
  }

  #directory(): DirectoryNode {
    return this.#node.kind === 'directory' ? this.#node : fail('not-directory');
  }

  #mutable(): DirectoryNode {
    const directory = this.#directory();
    return this.#flags.mutateDirectory ? directory : fail('read-only');
  }

  #file(): FileNode {
    return this.#node.kind === 'file' ? this.#node : fail('is-directory');
  }

  #readable(): FileNode {
    const file = this.#file();
    return this.#flags.read ? file : fail('bad-descriptor');
  }

  #writable(): FileNode {
    const file = this.#file();
    return this.#flags.write ? file : fail('bad-descriptor');
  }
}
