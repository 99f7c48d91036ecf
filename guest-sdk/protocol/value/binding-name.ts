/**
 * The name that jco's bindings give a record field or a flag: words joined, each but the first with a capital first letter,
 * all else in lower case (`field-a1` → `fieldA1`, `HTTP-server` → `httpServer`, `x-H2O` → `xH2o`). Tags of variants and
 * enums keep their WIT name.
 */
export function bindingName(witName: string): string {
  const words = witName.split('-').map((word) => word.toLowerCase());
  return words.map((word, index) => (index === 0 ? word : word.charAt(0).toUpperCase() + word.slice(1))).join('');
}

const known = new WeakMap<readonly object[], readonly string[]>();

/**
 * The binding names of the fields of a record, in order; computed once for each record type, since a list may hold thousands
 * of one.
 */
export function bindingNames(fields: readonly { readonly name: string }[]): readonly string[] {
  let names = known.get(fields);
  if (names === undefined) {
    names = fields.map(({ name }) => bindingName(name));
    known.set(fields, names);
  }
  return names;
}
