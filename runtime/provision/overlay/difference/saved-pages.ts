import { closeSync, openSync, readSync } from 'node:fs';
import { LayeredDisk } from '../../../vm/disk/layered-disk.ts';
import type { DiskLayer } from '../../../vm/image/index.ts';
import { PAGE_BYTES, type PageSource } from '../page-run.ts';

/** The files of a saved VM that pages are read from. */
export interface SavedFiles {
  readonly memory: string;
  readonly disk: readonly DiskLayer[];
}

/**
 * Pages of a base VM and of what became of it, `memory` and `disk`. It reads while its caller waits: it is for a thread of its own. Whoever opens it
 * closes it.
 */
export class SavedPages {
  readonly #memory: Readonly<Record<'base-memory' | 'memory', number>>;
  readonly #disk: Readonly<Record<'base-disk' | 'disk', LayeredDisk>>;

  private constructor(base: readonly [number, LayeredDisk], result: readonly [number, LayeredDisk]) {
    this.#memory = { 'base-memory': base[0], memory: result[0] };
    this.#disk = { 'base-disk': base[1], disk: result[1] };
  }

  static async open(base: SavedFiles, result: SavedFiles, diskBytes: number): Promise<SavedPages> {
    const disks = [
      await LayeredDisk.open(base.disk, diskBytes),
      await LayeredDisk.open(result.disk, diskBytes),
    ] as const;
    const memories = [openSync(base.memory, 'r'), openSync(result.memory, 'r')] as const;
    return new SavedPages([memories[0], disks[0]], [memories[1], disks[1]]);
  }

  /** Fills `into` with pages that follow each other; beyond the end of a file are zeros. */
  read(source: PageSource, from: number, into: Uint8Array): void {
    if (source === 'base-disk' || source === 'disk') this.#disk[source].readSync(from * PAGE_BYTES, into);
    else into.fill(0, readSync(this.#memory[source], into, 0, into.length, from * PAGE_BYTES));
  }

  async close(): Promise<void> {
    for (const fd of Object.values(this.#memory)) closeSync(fd);
    await Promise.all(Object.values(this.#disk).map((disk) => disk.close()));
  }
}
