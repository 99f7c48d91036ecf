import { existsSync } from 'node:fs';

/** Where Debian's mke2fs may lie; an unprivileged user's path often lacks it. */
const MKE2FS = ['/usr/sbin/mke2fs', '/sbin/mke2fs'];

/** What is missing on this machine to build an image: names of Debian packages; empty when nothing is. */
export function missingForImage(): string[] {
  return MKE2FS.some((path) => existsSync(path)) ? [] : ['e2fsprogs'];
}
