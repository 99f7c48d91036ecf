import { type CpioEntry, writeCpio } from './cpio.ts';

/**
 * The initial root of a machine: its first program as `/init`, the modules that this loads as `/modules/1.ko`, `/modules/2.ko`, …, and where
 * it mounts. Same parts, same bytes.
 */
export function makeInitrd(init: Uint8Array, modules: readonly Uint8Array[]): Uint8Array {
  const directories = ['modules', 'dev', 'root'];
  const entries: CpioEntry[] = [
    ...directories.map((path) => ({ kind: 'directory', path }) as const),
    { kind: 'character-device', path: 'dev/console', mode: 0o600, major: 5, minor: 1 },
    { kind: 'file', path: 'init', mode: 0o755, bytes: init },
    ...modules.map((bytes, at) => ({ kind: 'file', path: `modules/${at + 1}.ko`, mode: 0o644, bytes }) as const),
  ];
  return writeCpio(entries);
}
