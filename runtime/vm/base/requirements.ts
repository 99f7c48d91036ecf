import { existsSync } from 'node:fs';
import { hasDebianTools } from '../../image/index.ts';

/** Programs that building a base VM runs, where Debian has them, and their packages. */
const PROGRAMS = [
  { paths: ['/usr/bin/mmdebstrap'], package: 'mmdebstrap' },
  { paths: ['/usr/sbin/mke2fs', '/sbin/mke2fs'], package: 'e2fsprogs' },
] as const;

/** What is missing to build a base VM on this computer. */
export interface MissingForBaseVm {
  /** Names of Debian packages. */
  readonly packages: readonly string[];
  /** What else is in the way, a clause; null when nothing is. Bases can be imported all the same. */
  readonly other: string | null;
}

/** What is missing to build a base VM here; null when nothing is. */
export function missingForBaseVm(): MissingForBaseVm | null {
  const packages = PROGRAMS.filter(({ paths }) => !paths.some((path) => existsSync(path))).map((each) => each.package);
  const other = hasDebianTools()
    ? process.getuid?.() === 0
      ? null
      : 'only root can install packages into a directory; run it as root'
    : 'it is built from Debian packages and this machine has no apt-get; build it on Debian and import it here';
  return packages.length === 0 && other === null ? null : { packages, other };
}
