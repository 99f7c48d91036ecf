const STATEMENT_END = /;|[ \t]*(?=\n)/y;

/**
 * The glue without statements that call one of these functions, which say something for the glue's own authors. Nobody hears it, but what is
 * said is put together each time: lists of names, texts, objects of a dozen members, several thousand times for a request.
 */
export function dropCalls(glue: string, functions: readonly string[]): string {
  const call = new RegExp(`^[ \\t]*(?:[\\w$]+\\.)?(?:${functions.join('|')})\\(`, 'gm');
  let kept = '';
  let at = 0;
  for (let match = call.exec(glue); match !== null; match = call.exec(glue)) {
    const end = endOfCall(glue, match.index + match[0].length - 1);
    // Only whole statements: what comes behind must not be part of an expression, a method's body or a chain.
    if (end === null) continue;
    STATEMENT_END.lastIndex = end;
    const tail = STATEMENT_END.exec(glue);
    if (tail === null) continue;
    kept += `${glue.slice(at, match.index)};`;
    at = end + tail[0].length;
    call.lastIndex = at;
  }
  return kept + glue.slice(at);
}

/** Where the parenthesis that opens here is closed, behind it; null when the text has parts that are not understood. */
export function endOfCall(text: string, begin: number): number | null {
  const open: string[] = [];
  for (let at = begin; at < text.length; at += 1) {
    const char = text[at]!;
    const inTemplate = open.at(-1) === '`';
    if (inTemplate) {
      if (char === '\\') at += 1;
      else if (char === '`') open.pop();
      else if (char === '$' && text[at + 1] === '{') {
        open.push('${');
        at += 1;
      }
    } else if (char === "'" || char === '"') {
      at = endOfString(text, at);
      if (at === -1) return null;
    } else if (char === '/' && text[at + 1] === '/') {
      at = text.indexOf('\n', at);
      if (at === -1) return null;
    } else if (char === '/' && /[(,=:[!&|?{};]\s*$/.test(text.slice(Math.max(0, at - 20), at))) return null;
    else if (char === '`' || '([{'.includes(char)) open.push(char);
    else if (')]}'.includes(char)) {
      open.pop();
      if (open.length === 0) return at + 1;
    }
  }
  return null;
}

/** Where the quote that opens here is closed; -1 when not in this line. */
function endOfString(text: string, begin: number): number {
  for (let at = begin + 1; at < text.length && text[at] !== '\n'; at += 1) {
    if (text[at] === '\\') at += 1;
    else if (text[at] === text[begin]) return at;
  }
  return -1;
}
