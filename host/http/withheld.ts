import type { Journal } from '../journal.ts';

/** Names that are remembered; bounded, since they come from outside. */
const MAX_TOLD = 1000;

/** Tells the journal once for each name which headers of its guests were withheld. `kind`: what is named. */
export function withheldTeller(
  journal: Journal,
  kind: 'function' | 'service',
): (name: string) => (headers: readonly string[]) => void {
  const told = new Set<string>();
  return (name) => (headers) => {
    if (told.has(name) || told.size >= MAX_TOLD) return;
    told.add(name);
    journal.warn(`headers of a ${kind} withheld, they would reach beyond it`, {
      [kind]: name,
      headers: headers.join(' '),
    });
  };
}
