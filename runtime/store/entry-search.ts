import type { DatabaseSync } from 'node:sqlite';
import type { RegisteredEntry } from './entry-table.ts';

/** Which entries are asked for; what is left out fits all. */
export interface EntryQuery {
  /** Words that must begin words of the name, title, description or tags. */
  readonly text?: string | undefined;
  readonly kind?: string | undefined;
  readonly tags?: readonly string[];
  readonly os?: string | undefined;
  /** As text that sorts. */
  readonly osVersion?: string | undefined;
  readonly limit: number;
  readonly offset: number;
}

/** A part of the entries that fit, by name, and how many do. */
export interface FoundEntries {
  readonly entries: readonly RegisteredEntry[];
  readonly total: number;
}

/** Words of a search that are looked for; more make no search better. */
const MAX_WORDS = 8;

/** Finds entries. What a person typed is only ever a quoted word of the full-text index, never its syntax. */
export function searchEntries(
  database: DatabaseSync,
  query: EntryQuery,
  read: (row: unknown) => RegisteredEntry,
): FoundEntries {
  const conditions: string[] = [];
  const values: (string | number)[] = [];
  const add = (condition: string, ...given: string[]): void => {
    conditions.push(condition);
    values.push(...given);
  };
  const words = wordsOf(query.text ?? '');
  if (words.length > 0)
    add(
      'e.id IN (SELECT rowid FROM entry_texts WHERE entry_texts MATCH ?)',
      words.map((word) => `"${word}"*`).join(' AND '),
    );
  else if ((query.text ?? '').trim() !== '') add('0');
  if (query.kind !== undefined) add('e.kind = ?', query.kind);
  for (const tag of query.tags ?? []) add('e.id IN (SELECT entry FROM entry_tags WHERE tag = ?)', tag);
  if (query.os !== undefined) {
    const version = query.osVersion === undefined ? '' : ' AND p.least <= ?';
    add(
      `(NOT EXISTS (SELECT 1 FROM entry_platforms p WHERE p.entry = e.id)
        OR EXISTS (SELECT 1 FROM entry_platforms p WHERE p.entry = e.id AND (p.os = '' OR (p.os = ?${version}))))`,
      ...[query.os, ...(query.osVersion === undefined ? [] : [query.osVersion])],
    );
  }
  const where = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`;
  const { total } = database.prepare(`SELECT count(*) AS total FROM entries e ${where}`).get(...values) as {
    total: number;
  };
  // The page first, by names alone: manifests are read of what is shown only.
  const rows = database
    .prepare(
      `SELECT e.name, r.* FROM (SELECT * FROM entries e ${where} ORDER BY e.name LIMIT ? OFFSET ?) e
       JOIN entry_revisions r ON r.entry = e.id AND r.revision = e.current ORDER BY e.name`,
    )
    .all(...values, query.limit, query.offset);
  return { entries: rows.map(read), total };
}

/** The letters and digits of what was typed, as the index splits texts. */
function wordsOf(text: string): string[] {
  return (text.match(/[\p{L}\p{N}\p{M}]+/gu) ?? []).slice(0, MAX_WORDS);
}
