import type { Datetime } from '../clocks/datetime.ts';
import { resizeContent, settle, writeContent } from './content.ts';
import { fail } from './error-code.ts';
import { fileOfImage, type ImageNode } from './file-image.ts';
import type { DirectoryEntry, DirectoryNode, FileNode, TreeNode } from './node.ts';
import { MAX_PATH_BYTES, utf8Length, utf8Longer } from './path.ts';
import { Quota } from './quota.ts';
import type { FileTreeOptions, Preopen } from './tree-options.ts';
import { type Place, walk } from './walk.ts';

const EPOCH: Datetime = { seconds: 0n, nanoseconds: 0 };

/** The files of one instance: the package's, read only, and scratch space with a quota. No path of the host is behind it. */
export class FileTree {
  readonly root: DirectoryNode;
  readonly mount: string;
  /** What the guest is given; nothing else of the tree can be reached. */
  readonly preopens: readonly Preopen[];
  readonly #bytes: Quota;
  readonly #nodes: Quota;
  readonly #arrive: FileTreeOptions['arrive'];
  #lastId = 0n;
  #lastSequence = 0;

  constructor(options: FileTreeOptions) {
    this.#bytes = new Quota(options.scratchBytes);
    this.#nodes = new Quota(options.scratchNodes);
    this.#arrive = options.arrive;
    this.#bytes.take(options.own?.bytes ?? 0);
    this.#nodes.take(options.own?.nodes ?? 0);
    this.mount = options.mount ?? '/';
    const image = options.image ?? { kind: 'directory', entries: new Map() };
    this.root = this.#fromImage(image, null, false) as DirectoryNode;
    const given = options.directories ?? [{ path: this.mount, at: [], writable: this.writable }];
    this.preopens = given.map(({ path, at, writable }) => ({ path, directory: this.#directory(at), writable }));
  }

  /** Whether the guest can make anything. */
  get writable(): boolean {
    return this.#nodes.limit > 0;
  }

  /** Bytes of the scratch files and link targets that exist, also of removed files that are still open. */
  get usedBytes(): number {
    return this.#bytes.used;
  }

  /** Directory entries that the guest made. */
  get usedNodes(): number {
    return this.#nodes.used;
  }

  /** Where a path leads from a directory; see `walk`. */
  find(base: DirectoryNode, path: string, follow: boolean): Place {
    return walk(base, path, follow, (directory, name) => this.entries(directory).get(name)?.node);
  }

  /** The node at a path; `no-entry` when there is none. */
  node(base: DirectoryNode, path: string, follow: boolean): TreeNode {
    return this.find(base, path, follow).node ?? fail('no-entry');
  }

  /** The entries of a directory, in the order in which they were made. */
  entries(directory: DirectoryNode): ReadonlyMap<string, DirectoryEntry> {
    const { unread } = directory;
    if (unread !== null) {
      directory.unread = null;
      const own = unread.own === true;
      for (const [name, image] of unread.entries) {
        this.#link(directory, name, this.#fromImage(image, directory, own), !own);
      }
    }
    return directory.entries;
  }

  /** Number of the newest entry in the tree. */
  get lastSequence(): number {
    return this.#lastSequence;
  }

  /** Makes an empty file at a place where nothing is. */
  createFile(place: Place, now: Datetime): FileNode {
    const name = this.#vacant(place);
    if (place.directoryOnly) fail('is-directory');
    const traits = this.#traits(now);
    const file: FileNode = {
      kind: 'file',
      ...traits,
      bytes: new Uint8Array(0),
      arrive: null,
      shared: false,
      size: 0,
      links: 1,
      users: 0,
    };
    this.#make(place.directory, name, file, now);
    return file;
  }

  createDirectory(base: DirectoryNode, path: string, now: Datetime): void {
    const place = this.find(base, path, false);
    const name = this.#vacant(place);
    const traits = this.#traits(now);
    const parent = place.directory;
    this.#make(
      parent,
      name,
      { kind: 'directory', ...traits, entries: new Map(), parent, removed: false, unread: null },
      now,
    );
  }

  /** The target is kept as it is; where it leads is decided when it is followed. */
  createSymlink(target: string, base: DirectoryNode, path: string, now: Datetime): void {
    if (target.length === 0) fail('no-entry');
    if (target.includes('\0')) fail('invalid');
    if (target.startsWith('/')) fail('not-permitted');
    if (utf8Longer(target, MAX_PATH_BYTES)) fail('name-too-long');
    const place = this.find(base, path, false);
    const name = this.#vacant(place);
    if (place.directoryOnly) fail('no-entry');
    const targetBytes = utf8Length(target);
    this.#bytes.take(targetBytes);
    try {
      this.#make(place.directory, name, { kind: 'symlink', ...this.#traits(now), target, targetBytes, links: 1 }, now);
    } catch (code) {
      this.#bytes.give(targetBytes);
      throw code;
    }
  }

  /** Gives a file or a symbolic link a second name. */
  createLink(node: TreeNode, base: DirectoryNode, path: string, now: Datetime): void {
    if (node.kind === 'directory') fail('not-permitted');
    const place = this.find(base, path, false);
    const name = this.#vacant(place);
    if (place.directoryOnly) fail('no-entry');
    this.#make(place.directory, name, node, now);
    node.links += 1;
    node.changed = now;
  }

  removeFile(base: DirectoryNode, path: string, now: Datetime): void {
    const place = this.find(base, path, false);
    const node = place.node ?? fail('no-entry');
    if (node.kind === 'directory') fail('is-directory');
    this.#removable(place);
    this.#unlink(place.directory, place.name!, node, now);
  }

  removeDirectory(base: DirectoryNode, path: string, now: Datetime): void {
    const place = this.find(base, path, false);
    const node = place.node ?? fail('no-entry');
    if (node.kind !== 'directory') fail('not-directory');
    if (place.name === null) fail('invalid');
    if (this.entries(node).size > 0) fail('not-empty');
    this.#removable(place);
    this.#unlink(place.directory, place.name, node, now);
  }

  /** Moves an entry, over another one when that may go. */
  rename(base: DirectoryNode, path: string, newBase: DirectoryNode, newPath: string, now: Datetime): void {
    const from = this.find(base, path, false);
    const node = from.node ?? fail('no-entry');
    const to = this.find(newBase, newPath, false);
    if (from.name === null || to.name === null) fail('invalid');
    if (to.directoryOnly && node.kind !== 'directory') fail('not-directory');
    if (to.directory.removed) fail('no-entry');
    for (let above: DirectoryNode | null = to.directory; above !== null; above = above.parent) {
      if (above === node) fail('invalid');
    }
    if (to.node === node && (node.kind !== 'directory' || (from.directory === to.directory && from.name === to.name)))
      return;
    this.#removable(from);
    if (to.node !== undefined) {
      this.#replaceable(to.node, node);
      this.#removable(to);
      this.#unlink(to.directory, to.name, to.node, now);
    }
    from.directory.entries.delete(from.name);
    from.directory.modified = now;
    if (node.kind === 'directory') node.parent = to.directory;
    this.#link(to.directory, to.name, node);
    to.directory.modified = now;
    node.changed = now;
  }

  write(file: FileNode, offset: bigint, bytes: Uint8Array, now: Datetime): void {
    if (file.packaged) fail('read-only');
    this.#copyShared(file);
    writeContent(file, offset, bytes, this.#bytes);
    file.modified = now;
  }

  resize(file: FileNode, size: bigint, now: Datetime): void {
    if (file.packaged) fail('read-only');
    this.#copyShared(file);
    resizeContent(file, size, this.#bytes);
    file.modified = now;
  }

  /** A descriptor or stream starts to use a file. */
  use(file: FileNode): void {
    file.users += 1;
  }

  /** It no longer does. */
  unuse(file: FileNode): void {
    file.users -= 1;
    this.#collect(file);
  }

  #fromImage(image: ImageNode, parent: DirectoryNode | null, own: boolean): TreeNode {
    const traits = { ...this.#traits(EPOCH), packaged: !own };
    if (image.kind === 'file') return fileOfImage(image, traits, own, this.#arrive);
    return { kind: 'directory', ...traits, entries: new Map(), parent, removed: false, unread: image };
  }

  #directory(names: readonly string[]): DirectoryNode {
    return names.reduce((directory, name) => {
      const node = this.entries(directory).get(name)?.node;
      if (node?.kind === 'directory') return node;
      throw new TypeError(`expected a directory ${JSON.stringify(name)} in the image`);
    }, this.root);
  }

  #copyShared(file: FileNode): void {
    if (!file.shared) return;
    settle(file);
    file.bytes = file.bytes.slice();
    file.shared = false;
  }

  #traits(now: Datetime) {
    this.#lastId += 1n;
    return { id: this.#lastId, packaged: false, accessed: now, modified: now, changed: now };
  }

  /** The name at a place where something can be made. */
  #vacant(place: Place): string {
    if (place.name === null || place.node !== undefined) fail('exist');
    if (place.directory.removed) fail('no-entry');
    return place.name;
  }

  #removable(place: Place): void {
    if (place.name === null) fail('invalid');
    if (this.entries(place.directory).get(place.name)?.packaged) fail('read-only');
  }

  #replaceable(old: TreeNode, node: TreeNode): void {
    if (old.kind !== 'directory') {
      if (node.kind === 'directory') fail('not-directory');
      return;
    }
    if (node.kind !== 'directory') fail('is-directory');
    if (this.entries(old).size > 0) fail('not-empty');
  }

  #make(directory: DirectoryNode, name: string, node: TreeNode, now: Datetime): void {
    this.#nodes.take(1);
    this.#link(directory, name, node);
    directory.modified = now;
  }

  #link(directory: DirectoryNode, name: string, node: TreeNode, packaged = false): void {
    this.#lastSequence += 1;
    directory.entries.set(name, { node, sequence: this.#lastSequence, packaged });
  }

  #unlink(directory: DirectoryNode, name: string, node: TreeNode, now: Datetime): void {
    directory.entries.delete(name);
    directory.modified = now;
    node.changed = now;
    this.#nodes.give(1);
    if (node.kind === 'symlink') {
      node.links -= 1;
      if (node.links === 0) this.#bytes.give(node.targetBytes);
    }
    if (node.kind === 'directory') {
      node.removed = true;
      node.parent = null;
    }
    if (node.kind === 'file') {
      node.links -= 1;
      this.#collect(node);
    }
  }

  #collect(file: FileNode): void {
    if (file.links > 0 || file.users > 0 || file.packaged) return;
    this.#bytes.give(file.size);
    file.bytes = new Uint8Array(0);
    file.shared = false;
    file.size = 0;
  }
}
