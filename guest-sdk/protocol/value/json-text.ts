import { CloudletError } from '../errors.ts';
import { VALUE_LIMITS, type ValueLimits } from './value-limits.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/**
 * Parses JSON that came from outside, after a look at how deep and how large it gets: `request-invalid` before any memory is
 * spent on it.
 */
export function parseJson(text: string, limits: ValueLimits = VALUE_LIMITS): unknown {
  checkStructure(text, limits);
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new CloudletError(
      'request-invalid',
      `expected JSON, got text that does not parse: ${(error as Error).message}`,
      {
        cause: error,
      },
    );
  }
}

/** Counts brackets, commas and colons outside strings. What is no JSON may pass: the parser refuses it. */
function checkStructure(text: string, limits: ValueLimits): void {
  let depth = 0;
  let nodes = 1;
  for (let index = 0; index < text.length; index += 1) {
    switch (text.charCodeAt(index)) {
      case QUOTE:
        index = endOfString(text, index);
        break;
      case OPEN_ARRAY:
      case OPEN_OBJECT:
        depth += 1;
        nodes += 1;
        if (depth > limits.depth) throw refused(`at most ${limits.depth} arrays or objects within one another`);
        break;
      case CLOSE_ARRAY:
      case CLOSE_OBJECT:
        depth -= 1;
        break;
      case COMMA:
      case COLON:
        nodes += 1;
        break;
    }
    if (nodes > limits.nodes) throw refused(`at most ${limits.nodes} values`);
  }
}

/** Index of the closing quote, or the end of the text. */
function endOfString(text: string, open: number): number {
  for (let index = open + 1; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code === BACKSLASH) index += 1;
    else if (code === QUOTE) return index;
  }
  return text.length;
}

function refused(expected: string): CloudletError {
  return new CloudletError(
    'request-invalid',
    `expected ${expected} in the JSON, got more; send bytes as base64, or in smaller calls`,
  );
}
