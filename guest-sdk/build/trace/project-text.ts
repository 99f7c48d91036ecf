import { CloudletError, GrantRequest } from '../../protocol/index.ts';

const GRANT_KEYS: readonly string[] = Object.keys(GrantRequest.entries);

/** Longest line of an object or list that stays on one line, characters. */
const LINE_CHARACTERS = 110;

/** A change of one key of a project file; null where there is, or was, nothing. */
export interface KeyChange {
  readonly key: string;
  readonly before: unknown;
  readonly after: unknown;
}

/** The keys of a grant that would be others. */
export function grantChanges(before: GrantRequest, after: GrantRequest): KeyChange[] {
  const value = (grant: GrantRequest, key: string): unknown => (grant as Record<string, unknown>)[key] ?? null;
  return GRANT_KEYS.map((key) => ({ key, before: value(before, key), after: value(after, key) })).filter(
    (each) => canonical(each.before) !== canonical(each.after),
  );
}

/** Changes as lines, `-` what goes and `+` what comes. */
export function describeChanges(changes: readonly KeyChange[]): string[] {
  const lines = (sign: string, key: string, value: unknown) =>
    value === null
      ? []
      : inText(value, 0)
          .split('\n')
          .map((line, at) => `${sign} ${at === 0 ? `"${key}": ` : ''}${line}`);
  return changes.flatMap(({ key, before, after }) => [...lines('-', key, before), ...lines('+', key, after)]);
}

/**
 * The text of a project file with another grant and what is read first, which is left out when it is nothing: its other keys stay, in their order. `base`
 * is for a file that is not there yet.
 */
export function withGrant(
  text: string | null,
  grant: GrantRequest,
  base: object = {},
  readFirst: readonly string[] = [],
): string {
  const file = text === null ? base : parse(text);
  const rest = Object.entries(file).filter(([key]) => key !== 'readFirst' && !GRANT_KEYS.includes(key));
  const granted = GRANT_KEYS.flatMap((key) => {
    const value = (grant as Record<string, unknown>)[key];
    return value === undefined ? [] : [[key, value] as const];
  });
  const first = readFirst.length === 0 ? [] : [['readFirst', readFirst] as const];
  const lines = [...rest, ...first, ...granted].map(([key, value]) => `  ${JSON.stringify(key)}: ${inText(value, 1)}`);
  return `{\n${lines.join(',\n')}\n}\n`;
}

function parse(text: string): object {
  const value: unknown = JSON.parse(text);
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  throw new CloudletError('project-invalid', 'expected a project file with an object, in { }');
}

/** JSON as a person writes it: what fits on a line is on one. */
function inText(value: unknown, depth: number): string {
  const line = oneLine(value);
  if (typeof value !== 'object' || value === null || line.length + 2 * depth <= LINE_CHARACTERS) return line;
  const [open, close] = Array.isArray(value) ? '[]' : '{}';
  const inner = Array.isArray(value)
    ? value.map((each) => inText(each, depth + 1))
    : Object.entries(value).map(([key, each]) => `${JSON.stringify(key)}: ${inText(each, depth + 1)}`);
  const indent = '  '.repeat(depth + 1);
  return `${open}\n${inner.map((each) => indent + each).join(',\n')}\n${'  '.repeat(depth)}${close}`;
}

function oneLine(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(oneLine).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).map(([key, each]) => `${JSON.stringify(key)}: ${oneLine(each)}`);
  return entries.length === 0 ? '{}' : `{ ${entries.join(', ')} }`;
}

/** Without what order and a single entry of `scratch` may look like. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return value.length === 1 ? canonical(value[0]) : `[${value.map(canonical).join()}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, each]) => `${JSON.stringify(key)}:${canonical(each)}`).join()}}`;
}
