/** `13`, `14.4.1`: up to four numbers, which is all that systems call their versions in their interfaces. */
export const OS_VERSION = /^\d{1,6}(\.\d{1,6}){0,3}$/;

/** Name of an operating system as entries and devices give it: `android`, `ios`, `linux`, `windows`, `macos`. */
export const OS_NAME = /^[a-z][a-z0-9-]{0,31}$/;

/** A version as text that sorts as versions do: `9` before `13`, `13` equal to `13.0`. */
export function sortableOsVersion(version: string): string {
  const parts = version.split('.');
  return Array.from({ length: 4 }, (_, i) => (parts[i] ?? '0').padStart(6, '0')).join('.');
}

/** Whether a device of this system and version can use what asks for `os`, and for at least `osVersion` of it. */
export function runsOn(
  wanted: { readonly os?: string | undefined; readonly osVersion?: string | undefined },
  device: { readonly os?: string | undefined; readonly osVersion?: string | undefined },
): boolean {
  if (wanted.os === undefined || device.os === undefined) return true;
  if (wanted.os !== device.os) return false;
  if (wanted.osVersion === undefined || device.osVersion === undefined) return true;
  return sortableOsVersion(wanted.osVersion) <= sortableOsVersion(device.osVersion);
}
