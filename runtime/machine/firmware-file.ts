import { type FileHandle, mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { firmware } from './firmware.ts';

/**
 * A firmware as an open file without a name: QEMU inherits it, since its user may not be able to look into our temporary directory,
 * and nothing is left behind however we end. The caller closes it.
 */
export async function openFirmware(name: 'probe' | 'clock'): Promise<FileHandle> {
  const directory = await mkdtemp(join(tmpdir(), 'cloudlet-firmware-'));
  try {
    const path = join(directory, `${name}.bin`);
    await writeFile(path, firmware(name), { mode: 0o644 });
    return await open(path);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
