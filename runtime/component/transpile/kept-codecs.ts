/**
 * Functions that lift and lower what a stream or future carries are made anew, with a description of its whole type, each time that a guest
 * makes a stream or future: for a response 100 KB of garbage. Here each is made once for an instance, when it is first needed.
 */
const MAKER = /\b(?:payloadL|l)(?:ift|ower)Fn:\s*(?=_(?:lift|lower)Flat\w+\()/g;

/** What belongs to one call, and so must not be kept. */
const OF_A_CALL = /\b(?:arg|handle|rep|rsc|variant|result|ptr|len|base)\d+\b/g;

/** The glue with such functions kept, and the names that it has to declare for each instance. Changes nothing where it is not sure. */
export function keepCodecs(glue: string): { readonly glue: string; readonly names: readonly string[] } {
  const names: string[] = [];
  let kept = '';
  let at = 0;
  for (const match of glue.matchAll(MAKER)) {
    const begin = match.index + match[0].length;
    if (begin < at) continue; // Within one that is kept.
    const end = endOfCall(glue, begin);
    if (end === null) continue;
    const maker = glue.slice(begin, end);
    if ([...maker.matchAll(OF_A_CALL)].some(([each]) => !isDeclared(each, maker))) continue;
    const name = `codec${names.length}$`;
    names.push(name);
    kept += `${glue.slice(at, begin)}(${name} ??= ${maker})`;
    at = end;
  }
  return { glue: kept + glue.slice(at), names };
}

/** Where a call ends that begins here with the name of a function; null when its text has parts that are not understood. */
function endOfCall(text: string, begin: number): number | null {
  let depth = 0;
  for (let at = begin; at < text.length; at += 1) {
    const char = text[at]!;
    if (char === "'" || char === '"') {
      const end = text.indexOf(char, at + 1);
      if (end === -1 || text.slice(at, end).includes('\n')) return null;
      at = end;
    } else if (char === '`' || char === '/') return null;
    else if ('([{'.includes(char)) depth += 1;
    else if (')]}'.includes(char)) {
      depth -= 1;
      if (depth === 0) return at + 1;
    }
  }
  return null;
}

/** Whether a name is one of the text's own. */
function isDeclared(name: string, text: string): boolean {
  return new RegExp(`\\b(?:const|let|var) ${name}\\b`).test(text);
}
