import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';

/** Signals that end a soak before its end. */
const ENDS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** A folder for one soak, with a disk of its own that is small enough to be filled. Whoever makes it removes it; a signal that ends this process does, too. */
export class SoakDisk {
  /** Where the disk is. */
  readonly path: string;
  /** Whether it is one of its own: only root mounts one, where it may. */
  readonly isMounted: boolean = false;
  readonly #scratch: string;
  readonly #endedBy = (signal: NodeJS.Signals) => {
    // At once, whatever still writes to it: its files are gone with it.
    this.remove();
    process.exit(128 + constants.signals[signal]);
  };

  /** `mib`: how much goes on it. */
  constructor(mib: number) {
    this.#scratch = mkdtempSync(join(tmpdir(), 'cloudlet-soak-'));
    this.path = join(this.#scratch, 'disk');
    mkdirSync(this.path);
    for (const signal of ENDS) process.on(signal, this.#endedBy);
    if (process.getuid?.() !== 0) return;
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${mib}m,mode=0700`, 'tmpfs', this.path], { stdio: 'ignore' });
      this.isMounted = true;
    } catch {} // In a container root may not mount either.
  }

  remove(): void {
    for (const signal of ENDS) process.off(signal, this.#endedBy);
    try {
      if (this.isMounted) execFileSync('umount', ['--lazy', this.path]);
    } finally {
      rmSync(this.#scratch, { recursive: true, force: true });
    }
  }
}
