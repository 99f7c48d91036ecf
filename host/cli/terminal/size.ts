const UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** Bytes for people, rounded as on the page: `0 bytes`, `1.5 KiB`, `112 KiB`. */
export function formatSize(bytes: number): string {
  let value = bytes;
  let unit = 0;
  // What would be rounded up to 1024 is shown in the next unit.
  while (value >= 1023.5 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const text = String(unit === 0 || value >= 99.95 ? Math.round(value) : Number(value.toFixed(1)));
  return `${text} ${bytes === 1 ? 'byte' : UNITS[unit]}`;
}

/** The first digits of a digest, enough to tell the versions of a function apart. */
export function shortDigest(digest: string): string {
  return digest.replace(/^sha256:/, '').slice(0, 12);
}
