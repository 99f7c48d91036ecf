/** Systems by what browsers call themselves; the first that fits, since Android says Linux too. */
const SYSTEMS: readonly (readonly [os: string, pattern: RegExp])[] = [
  ['android', /Android(?: (\d{1,3}(?:\.\d{1,3}){0,2}))?/],
  ['ios', /(?:iPhone|iPad).*? OS (\d{1,3}(?:_\d{1,3}){0,2})/],
  ['windows', /Windows NT/],
  ['macos', /Macintosh/],
  ['linux', /Linux|X11/],
];

/** What a device says that it runs. */
export interface Device {
  readonly os?: string;
  readonly osVersion?: string;
}

/** The system of a browser by its `User-Agent`: a guess, which decides what is offered first and hides nothing. */
export function deviceOf(userAgent: string | undefined): Device {
  for (const [os, pattern] of SYSTEMS) {
    const match = pattern.exec(userAgent?.slice(0, 500) ?? '');
    if (match === null) continue;
    const version = match[1]?.replaceAll('_', '.');
    return version === undefined ? { os } : { os, osVersion: version };
  }
  return {};
}

const NAMES: Readonly<Record<string, string>> = {
  ...{ android: 'Android', ios: 'iOS', linux: 'Linux', macos: 'macOS', windows: 'Windows' },
};

/** A system as people write it. */
export function systemName(os: string): string {
  return Object.hasOwn(NAMES, os) ? NAMES[os]! : os;
}
