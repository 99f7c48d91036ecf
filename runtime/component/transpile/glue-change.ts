import { refused } from '../binary/byte-reader.ts';

/**
 * A change to the text that jco 1.35.0 writes for asynchronous components. `anyTimes`: how often the text is there depends on the
 * component; otherwise it is there once, in every glue or in those that have the words `where`.
 */
export interface GlueChange {
  readonly from: string | RegExp;
  /** Gets the matched text and its groups. */
  readonly to: (...matched: string[]) => string;
  readonly anyTimes?: boolean;
  readonly where?: string;
}

/** The glue with all changes, one after the other. Throws `component-refused` when the generator writes other text than that of its pinned version. */
export function changeGlue(glue: string, changes: readonly GlueChange[]): string {
  let changed = glue;
  for (const { from, to, anyTimes, where } of changes) {
    const next = changed.replace(from, to);
    if (next === changed && anyTimes !== true && (where === undefined || changed.includes(where))) {
      throw refused(`the component could not be linked: its glue has an unknown form (${String(from).slice(0, 60)})`);
    }
    changed = next;
  }
  return changed;
}
