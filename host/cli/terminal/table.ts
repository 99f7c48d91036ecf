/** Rows as lines with aligned columns, two spaces apart, nothing behind the last one. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const columns = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, i) => Math.max(...rows.map((row) => [...(row[i] ?? '')].length)));
  return rows.map((row) =>
    row
      .map((cell, i) => `${cell}${' '.repeat(widths[i]! - [...cell].length)}`)
      .join('  ')
      .trimEnd(),
  );
}
