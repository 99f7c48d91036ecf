import { execFile } from 'node:child_process';
import { access, constants, open, readdir, realpath } from 'node:fs/promises';
import { delimiter, dirname, isAbsolute, join } from 'node:path';
import { CloudletError } from '../../../guest-sdk/protocol/index.ts';
import type { RootContent } from './plan.ts';

/** Where programs are looked for, here and by QEMU. */
export const PROGRAM_PATH = '/usr/local/bin:/usr/bin:/bin';

/** The path of a program. Fails with `machine-failed` when there is none. */
export async function findProgram(name: string): Promise<string> {
  const candidates = isAbsolute(name)
    ? [name]
    : PROGRAM_PATH.split(delimiter).map((directory) => join(directory, name));
  for (const path of candidates) {
    if (await isThere(path, constants.X_OK)) return path;
  }
  throw new CloudletError('machine-failed', `QEMU could not be started: expected a program, got none at ${name}`);
}

/**
 * What a root of its own must hold for QEMU to run a machine in it: the program, the libraries that the loader says it needs, its
 * accelerators, its firmware. A program whose needs cannot be known, such as a script, is told as a reason.
 */
export async function machineRoot(qemu: string): Promise<RootContent | { readonly reason: string }> {
  if (!(await isElf(qemu))) return { reason: `${qemu} is no ELF program: what it needs is not known` };
  const accelerators = await acceleratorModules(qemu);
  const found = await librariesOf([qemu, ...accelerators]);
  if ('reason' in found) return found;
  const share = join(dirname(qemu), '../share');
  return {
    files: [qemu, ...accelerators, ...found.libraries, ...(await present(['/etc/ld.so.cache']))],
    folders: await present([join(share, 'qemu')]),
    devices: await present(['/dev/null', '/dev/urandom']),
  };
}

async function isElf(path: string): Promise<boolean> {
  const file = await open(path);
  try {
    const { buffer } = await file.read({ buffer: Buffer.alloc(4) });
    return buffer.toString('latin1') === '\x7fELF';
  } finally {
    await file.close();
  }
}

/** What the loader would load, itself included. */
function librariesOf(programs: readonly string[]): Promise<{ libraries: string[] } | { reason: string }> {
  return new Promise((resolve) => {
    execFile('ldd', [...programs], { env: { PATH: PROGRAM_PATH, LC_ALL: 'C' } }, (error, stdout, stderr) => {
      if (error !== null) return resolve({ reason: `ldd ${programs[0]} failed: ${stderr.trim() || error.message}` });
      resolve({ libraries: parseLdd(stdout) });
    });
  });
}

/** The paths in what `ldd` says of one program or several, each once. Pure. */
export function parseLdd(text: string): string[] {
  const paths = [...text.matchAll(/^\s(?:\S+ => )?(\/\S+) \(0x[0-9a-f]+\)$/gm)].map((match) => match[1]!);
  return [...new Set(paths)];
}

/** Debian's QEMU has its emulators as modules beside its libraries: at a place that its own path leads to. */
async function acceleratorModules(qemu: string): Promise<string[]> {
  const prefix = join(dirname(qemu), '..');
  const folders = ['lib/x86_64-linux-gnu/qemu', 'lib64/qemu', 'lib/qemu'].map((folder) => join(prefix, folder));
  const found: string[] = [];
  for (const folder of await present(folders)) {
    for (const name of await readdir(folder)) if (/^accel-.*\.so$/.test(name)) found.push(join(folder, name));
  }
  return found;
}

async function present(paths: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const path of paths) if (await isThere(path, constants.F_OK)) found.push(path);
  return found;
}

async function isThere(path: string, mode: number): Promise<boolean> {
  try {
    await access(await realpath(path), mode);
    return true;
  } catch {
    return false; // What is not there is left out; the caller says what it misses.
  }
}
