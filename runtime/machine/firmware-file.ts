import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { firmware } from './firmware.ts';

/** Runs `use` with the path of a firmware, which is gone afterwards. */
export async function withFirmware<T>(name: 'probe' | 'clock', use: (path: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'cloudlet-firmware-'));
  try {
    const path = join(directory, `${name}.bin`);
    await writeFile(path, firmware(name));
    return await use(path);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
