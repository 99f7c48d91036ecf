const UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** Bytes for people: `0 bytes`, `1.5 KiB`, `112 KiB`. */
export function formatSize(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  // 1023.7 must not show as 1024.
  const text = unit === 0 || value >= 100 ? String(Math.floor(value)) : (Math.floor(value * 10) / 10).toString();
  return `${text} ${bytes === 1 ? 'byte' : UNITS[unit]}`;
}

/** The first digits of a digest, enough to tell the versions of a function apart. */
export function shortDigest(digest: string): string {
  return digest.replace(/^sha256:/, '').slice(0, 12);
}
