import { createHash } from 'node:crypto';
import { digestOfHex, type FilesLayer, type VersionFile } from '../../../guest-sdk/protocol/index.ts';
import { type PackageBlobs, readPackageFiles } from './package-files.ts';

/** The files of a package, by path, each with its length and digest. */
export async function filesInPackage(blobs: PackageBlobs, layers: readonly FilesLayer[]): Promise<VersionFile[]> {
  const listed: VersionFile[] = [];
  for (const [path, bytes] of await readPackageFiles(blobs, layers)) {
    const digest = digestOfHex(createHash('sha256').update(bytes).digest('hex'));
    listed.push({ path, bytes: bytes.length, digest });
  }
  return listed.sort((a, b) => (a.path < b.path ? -1 : 1));
}
