/** A table of a list: `[[name]]` and the lines below it; the lines before the first are the table ``. */
export interface TomlTable {
  readonly name: string;
  /** Where it begins, from 1. */
  readonly line: number;
  readonly entries: ReadonlyMap<string, string | number>;
}

/**
 * Reads the part of TOML that files of expectations are made of: `[[tables]]`, `key = "text"` or `key = 1`, comments, empty lines. Everything
 * else is an error that names the file and the line: what is read differently elsewhere is not read here.
 */
export function parseTables(text: string, file: string): TomlTable[] {
  const tables: { name: string; line: number; entries: Map<string, string | number> }[] = [
    { name: '', line: 1, entries: new Map() },
  ];
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    const at = `${file}:${index + 1}`;
    const header = /^\[\[([a-z]+(?:\.[a-z]+)*)\]\](?:\s*#.*)?$/.exec(line);
    if (header !== null) {
      tables.push({ name: header[1]!, line: index + 1, entries: new Map() });
      continue;
    }
    const entry = /^([A-Za-z0-9_-]+)\s*=\s*(?:("(?:[^"\\]|\\.)*")|'([^']*)'|(\d+))(?:\s*#.*)?$/.exec(line);
    if (entry === null) throw new Error(`${at}: expected [[table]], key = "text" or key = 1, got ${line.slice(0, 80)}`);
    const [, key, quoted, literal, number] = entry;
    const { entries } = tables.at(-1)!;
    if (entries.has(key!)) throw new Error(`${at}: expected ${key} once in a table`);
    entries.set(key!, quoted !== undefined ? unquote(quoted, at) : (literal ?? Number(number)));
  }
  return tables;
}

/** A basic string of TOML has the escapes of JSON, and `\U` with eight digits. */
function unquote(quoted: string, at: string): string {
  try {
    return JSON.parse(
      quoted.replace(/\\U([0-9a-fA-F]{8})/g, (_, hex: string) => String.fromCodePoint(Number.parseInt(hex, 16))),
    ) as string;
  } catch {
    throw new Error(`${at}: expected a text in quotes, got ${quoted.slice(0, 80)}`);
  }
}
