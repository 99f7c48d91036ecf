/**
 * Example arguments for a person to start from, made from a type as WIT writes it. Only a convenience: the cloudlet checks what is
 * sent, and a type that is not understood here becomes `null`.
 */

const INTEGERS = new Set(['s8', 'u8', 's16', 'u16', 's32', 'u32', 's64', 'u64']);

/** Types may nest; the page need not follow a component to the bottom of what it may declare. */
const MAX_DEPTH = 12;

/** A value of this type as JSON carries it. */
export function exampleValue(type: string, depth = 0): unknown {
  if (depth > MAX_DEPTH) return null;
  const text = type.trim();
  if (text === 'bool') return true;
  if (INTEGERS.has(text)) return 1;
  if (text === 'f32' || text === 'f64') return 1.5;
  if (text === 'char') return 'a';
  if (text === 'string') return 'hello';
  if (text === 'list<u8>') return 'aGVsbG8=';
  if (text === 'result') return { ok: null };
  const generic = /^(list|option|tuple|result)<(.*)>$/s.exec(text);
  if (generic !== null) return ofGeneric(generic[1]!, splitTop(generic[2]!), depth);
  const braced = /^(record|variant|enum|flags) \{(.*)\}$/s.exec(text);
  if (braced !== null) return ofBraced(braced[1]!, splitTop(braced[2]!), depth);
  return null;
}

function ofGeneric(kind: string, inner: readonly string[], depth: number): unknown {
  const [first = '_'] = inner;
  if (kind === 'list') return [exampleValue(first, depth + 1)];
  if (kind === 'tuple') return inner.map((each) => exampleValue(each, depth + 1));
  // An option of an option tells its two kinds of nothing apart by an object.
  if (kind === 'option')
    return first.startsWith('option<') ? { some: exampleValue(first, depth + 1) } : exampleValue(first, depth + 1);
  return { ok: first === '_' ? null : exampleValue(first, depth + 1) };
}

function ofBraced(kind: string, parts: readonly string[], depth: number): unknown {
  const [first = ''] = parts;
  if (kind === 'enum') return first;
  if (kind === 'flags') return first === '' ? [] : [first];
  if (kind === 'variant') {
    const payload = /^([^(]+)\((.*)\)$/s.exec(first);
    return payload === null ? { tag: first } : { tag: payload[1], val: exampleValue(payload[2]!, depth + 1) };
  }
  return Object.fromEntries(
    parts.map((part) => {
      const at = part.indexOf(':');
      return [part.slice(0, at).trim(), exampleValue(part.slice(at + 1), depth + 1)];
    }),
  );
}

/** Splits at commas that are not inside brackets. */
function splitTop(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let from = 0;
  for (let at = 0; at < text.length; at++) {
    const character = text[at]!;
    if ('<{('.includes(character)) depth++;
    else if ('>})'.includes(character)) depth--;
    else if (character === ',' && depth === 0) {
      parts.push(text.slice(from, at).trim());
      from = at + 1;
    }
  }
  const last = text.slice(from).trim();
  return last === '' ? parts : [...parts, last];
}
