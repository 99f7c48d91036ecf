/** Media types of what devices install, by the ends of names. */
const TYPES: Readonly<Record<string, string>> = {
  apk: 'application/vnd.android.package-archive',
  appimage: 'application/vnd.appimage',
  deb: 'application/vnd.debian.binary-package',
  dmg: 'application/x-apple-diskimage',
  exe: 'application/vnd.microsoft.portable-executable',
  gz: 'application/gzip',
  html: 'text/html; charset=utf-8',
  ipa: 'application/octet-stream',
  jpeg: 'image/jpeg',
  jpg: 'image/jpeg',
  json: 'application/json',
  md: 'text/markdown; charset=utf-8',
  mp4: 'video/mp4',
  msi: 'application/x-msi',
  pdf: 'application/pdf',
  png: 'image/png',
  rpm: 'application/x-rpm',
  tar: 'application/x-tar',
  txt: 'text/plain; charset=utf-8',
  wasm: 'application/wasm',
  webp: 'image/webp',
  zip: 'application/zip',
};

/** The media type of a file, by its name. */
export function fileTypeOf(name: string): string {
  const end = endOf(name);
  return Object.hasOwn(TYPES, end) ? TYPES[end]! : 'application/octet-stream';
}

const SYSTEMS: Readonly<Record<string, string>> = {
  ...{ apk: 'android', ipa: 'ios', deb: 'linux', rpm: 'linux', appimage: 'linux' },
  ...{ dmg: 'macos', exe: 'windows', msi: 'windows' },
};

/** The system that a file is surely for, by its name; undefined when it may be for several. */
export function systemOf(name: string): string | undefined {
  const end = endOf(name);
  return Object.hasOwn(SYSTEMS, end) ? SYSTEMS[end] : undefined;
}

function endOf(name: string): string {
  return /\.([a-z0-9]+)$/i.exec(name)?.[1]?.toLowerCase() ?? '';
}
