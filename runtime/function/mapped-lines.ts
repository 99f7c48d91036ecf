import type { LogLine } from '../../guest-sdk/protocol/index.ts';
import { hasPosition, type StackMap } from '../component/index.ts';

/** Stack maps that are kept at once: each holds a function's mappings. */
const KEPT = 8;

/** Finds the stack map of a version, or null. */
export type FindStackMap = (version: number) => Promise<StackMap | null>;

/**
 * Lines of a log whose positions in an engine's program are those of the author's files. A line is mapped when it is read: its version's
 * component has the map, and what was written stays as it was.
 */
export async function* mappedLines(lines: AsyncIterable<LogLine>, find: FindStackMap): AsyncGenerator<LogLine> {
  for await (const line of lines) {
    const map = hasPosition(line.text) ? await find(line.version) : null;
    yield map === null ? line : { ...line, text: map(line.text) };
  }
}

/** Stack maps by component, of which the last few are kept. */
export class StackMaps {
  readonly #kept = new Map<string, Promise<StackMap | null>>();

  /** The map of the component of a digest, which `read` gives when it is not kept. */
  of(digest: string, read: () => Promise<StackMap | null>): Promise<StackMap | null> {
    const map = this.#kept.get(digest) ?? read().catch(() => null);
    this.#kept.delete(digest);
    this.#kept.set(digest, map);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > KEPT) this.#kept.delete(oldest!);
    return map;
  }
}
