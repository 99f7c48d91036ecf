import type { Journal } from '../journal.ts';

/** Names that are remembered; bounded, since they come from outside. */
const MAX_TOLD = 1000;

type Kind = 'function' | 'service';

/** Names that were told of, in each journal: the doors of a function tell of it once together. */
const toldIn = new WeakMap<Journal, Record<Kind, Set<string>>>();

/** Tells the journal once for each name which headers of its guests were withheld. `kind`: what is named. */
export function withheldTeller(journal: Journal, kind: Kind): (name: string) => (headers: readonly string[]) => void {
  const tolds = toldIn.get(journal) ?? { function: new Set(), service: new Set() };
  toldIn.set(journal, tolds);
  const told = tolds[kind];
  return (name) => (headers) => {
    if (told.has(name) || told.size >= MAX_TOLD) return;
    told.add(name);
    journal.warn(`headers of a ${kind} withheld, they would reach beyond it`, {
      [kind]: name,
      headers: headers.join(' '),
    });
  };
}
