/**
 * Tells what a program's own build writes among its sources from what somebody edits: a build whose writes were changes would follow
 * upon itself for ever.
 */
export class BuildWrites {
  #build = 0;
  #isBuilding = false;
  /** The build during which each path was last written, as told by the watcher; 0 between builds. */
  readonly #written = new Map<string, number>();
  /** What appeared during a build. */
  readonly #made = new Set<string>();
  /** The build during which each path last had another content at the end. */
  readonly #changed = new Map<string, number>();

  /** A build begins. */
  begin(): void {
    this.#build += 1;
    this.#isBuilding = true;
  }

  /** It has ended, and what it wrote was told. */
  end(): void {
    this.#isBuilding = false;
  }

  /** A path was written now. */
  note(path: string): void {
    this.#written.set(path, this.#isBuilding ? this.#build : 0);
  }

  /**
   * Whether a path that has another content was edited. What is written between builds was. During a build what appears, or once
   * appeared in one, is the build's, and so is what had already changed during the one before; anything else may have been saved meanwhile.
   */
  isEdit(path: string, isNew: boolean): boolean {
    const build = this.#written.get(path) ?? 0;
    if (build === 0) {
      this.#made.delete(path);
      return true;
    }
    if (isNew) this.#made.add(path);
    const before = this.#changed.get(path);
    this.#changed.set(path, build);
    return !this.#made.has(path) && before !== build - 1;
  }
}
