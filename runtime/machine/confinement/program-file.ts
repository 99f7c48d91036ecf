import { spawnSync } from 'node:child_process';
import { type FileHandle, mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { CloudletError } from '../../../guest-sdk/protocol/index.ts';
import { heldFilesLibrary } from './held-files.ts';
import { spawnerProgram } from './spawner.ts';
import { STAND_INS, standInLibrary } from './stand-ins.ts';

/** Our programs as open files without a name: who inherits a descriptor runs or loads it through `/proc/self/fd`, whatever user it is. */
export interface ProgramFiles {
  readonly spawner: FileHandle;
  readonly heldFiles: FileHandle;
  /** In the order of `STAND_INS`. */
  readonly standIns: readonly FileHandle[];
}

/** Every user may read and run them, nobody may write them. */
const PROGRAM_MODE = 0o555;

/** Where they may be written: a file system that is mounted `noexec`, as temporary directories often are, runs nothing. */
const PLACES = () => [tmpdir(), '/dev/shm', '/var/tmp', homedir()];

let opened: Promise<ProgramFiles> | null = null;

/**
 * The programs, written once: they stay open as long as this process, and nothing is left behind however it ends. Fails with
 * `sandbox-unavailable` where no directory lets a program run.
 */
export function programFiles(): Promise<ProgramFiles> {
  opened ??= openPrograms(PLACES()).catch((error: unknown) => {
    opened = null;
    throw error;
  });
  return opened;
}

/** As `programFiles`, in the first of these places that will do. The caller closes the files. */
export async function openPrograms(places: readonly string[]): Promise<ProgramFiles> {
  const refusals: string[] = [];
  for (const place of places) {
    try {
      const spawner = await openProgram(place, spawnerProgram());
      const said = spawnSync('/proc/self/fd/3', ['end'], { stdio: ['ignore', 'ignore', 'ignore', spawner.fd] });
      if (said.status === 0) {
        const [heldFiles, ...standIns] = await Promise.all(
          [heldFilesLibrary(), ...STAND_INS.map(standInLibrary)].map((bytes) => openProgram(place, bytes)),
        );
        return { spawner, heldFiles: heldFiles!, standIns };
      }
      await spawner.close();
      refusals.push(`${place} (${said.error?.message ?? `status ${said.status ?? said.signal}`})`);
    } catch (error) {
      refusals.push(`${place} (${(error as Error).message})`);
    }
  }
  throw new CloudletError(
    'sandbox-unavailable',
    `expected a directory whose programs may run, got ${refusals.join(', ')}; set TMPDIR to one that is not mounted noexec`,
  );
}

async function openProgram(place: string, bytes: Uint8Array): Promise<FileHandle> {
  const directory = await mkdtemp(join(place, 'cloudlet-program-'));
  try {
    const path = join(directory, 'program');
    await writeFile(path, bytes, { mode: PROGRAM_MODE });
    return await open(path);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
