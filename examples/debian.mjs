/**
 * What the builds of native programs share: sources and packages of Debian. Plain Node, nothing to install for it.
 * Where Debian's files are is asked of apt, so that a computer's own mirror serves.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/**
 * Downloads the source archive that a package is built from and unpacks it in `folder`, as new each time; bytes of another SHA-256 than
 * expected are refused.
 * @param {{ package: string, archive: string, sha256: string, folder: string }} source
 */
export async function debianSource({ package: name, archive, sha256, folder }) {
  const place = join(folder, archive);
  const kept = await readFile(place).catch(() => null);
  if (kept === null || sha256Of(kept) !== sha256) {
    const { stdout } = await run('apt-get', ['download', '--print-uris', name]).catch((error) => {
      throw new Error(`apt does not know the package ${name}; run: apt-get update`, { cause: error });
    });
    const address = /'([^']+)'/.exec(stdout)?.[1];
    if (address === undefined)
      throw new Error(`expected an address of ${name} from apt, got ${JSON.stringify(stdout)}`);
    const answer = await fetch(`${dirname(address)}/${encodeURIComponent(archive)}`);
    if (!answer.ok) throw new Error(`expected ${archive} beside ${address}, got status ${answer.status}`);
    const bytes = new Uint8Array(await answer.arrayBuffer());
    if (sha256Of(bytes) !== sha256) throw new Error(`expected ${archive} of SHA-256 ${sha256}, got ${sha256Of(bytes)}`);
    await mkdir(folder, { recursive: true });
    await writeFile(`${place}.partial`, bytes);
    await rename(`${place}.partial`, place);
  }
  await run('tar', ['xf', archive], { cwd: folder });
}

/**
 * Downloads packages for this computer and unpacks them in `folder`; nothing is installed.
 * @param {readonly string[]} names
 * @param {string} folder
 */
export async function debianPackages(names, folder) {
  await rm(folder, { recursive: true, force: true });
  await mkdir(join(folder, 'archives'), { recursive: true });
  const archives = join(folder, 'archives');
  await run('apt-get', ['download', ...names], { cwd: archives });
  const { stdout } = await run('find', [archives, '-name', '*.deb']);
  for (const archive of stdout.trim().split('\n')) await run('dpkg-deb', ['-x', archive, folder]);
}

/** @param {Uint8Array} bytes */
function sha256Of(bytes) {
  return createHash('sha256').update(bytes).digest('hex');
}
