/** Quantities as people read them on the page. */

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** A number of bytes: `512 B`, `154 KiB`, `1.9 MiB`. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  // What would be rounded up to 1024 is shown in the next unit.
  while (value >= 1023.5 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 || value >= 99.95 ? Math.round(value) : Number(value.toFixed(1))} ${UNITS[unit]}`;
}

/** A duration in milliseconds: `0.36 ms`, `84 ms`, `3.1 s`, `4 min`, `2 h`, `3 d`. */
export function formatDuration(ms: number): string {
  if (ms < 9.995) return `${Number(ms.toFixed(2))} ms`;
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  const s = ms / 1000;
  if (s < 59.95) return `${Number(s.toFixed(1))} s`;
  if (s < 3570) return `${Math.round(s / 60)} min`;
  if (s < 84_600) return `${Math.round(s / 3600)} h`;
  return `${Math.round(s / 86_400)} d`;
}

/** `1 function`, `3 functions`. */
export function count(number: number, noun: string, plural = `${noun}s`): string {
  return `${number} ${number === 1 ? noun : plural}`;
}
