/**
 * The name that jco's bindings give a record field or a flag: words joined, each but the first with a capital first letter, all else
 * in lower case (`field-a1` → `fieldA1`, `HTTP-server` → `httpServer`, `x-H2O` → `xH2o`). Tags of variants and enums keep their WIT name.
 */
export function bindingName(witName: string): string {
  const words = witName.split('-').map((word) => word.toLowerCase());
  return words.map((word, index) => (index === 0 ? word : word.charAt(0).toUpperCase() + word.slice(1))).join('');
}
