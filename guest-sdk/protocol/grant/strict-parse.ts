import * as v from 'valibot';
import { CloudletError, type ErrorCode } from '../errors.ts';

/** Parses plain data by a schema whose objects are strict. The error names the key, what was expected and what came; of an unknown key those that are known. */
export function strictParse<S extends v.GenericSchema>(
  schema: S,
  value: unknown,
  what: string,
  code: ErrorCode,
): v.InferOutput<S> {
  // An empty list would pass for an object without keys.
  if (Array.isArray(value)) throw new CloudletError(code, `${what}: the document must be an object, got a list`);
  const result = v.safeParse(schema, value);
  if (result.success) return result.output;
  const issues = result.issues.map((issue) => innermost(issue, issue.path ?? []));
  // A misspelt key is missing too, and where it stands is the better hint.
  const { issue, path } = issues.find((each) => isUnknownKey(each.issue)) ?? issues[0]!;
  const key = path.length === 0 ? 'the document' : shortened(path.map((item) => String(item.key)).join('.'));
  if (isUnknownKey(issue)) {
    const known = keysAt(
      schema,
      path.slice(0, -1).map((item) => item.key),
    );
    throw new CloudletError(code, `${what}: ${key} is not a known key; expected one of ${known.join(', ')}`);
  }
  if (issue.received === 'undefined') throw new CloudletError(code, `${what}: ${key} is missing`);
  const expected = issue.kind === 'validation' ? issue.message : (issue.expected ?? issue.message);
  throw new CloudletError(
    code,
    `${what}: ${key} must be ${inJson(expected)}, got ${shortened(inJson(issue.received))}`,
  );
}

/** The schema's words for types are those of JavaScript, and who writes a document thinks of JSON. */
const JSON_TYPES: Readonly<Record<string, string>> = {
  ...{ Array: 'a list, in [ ]', Object: 'an object, in { }' },
  ...{ string: 'a text, in quotes', number: 'a number', boolean: 'true or false' },
};

function inJson(words: string): string {
  return JSON_TYPES[words] ?? words;
}

/** Longest part of a value that a message repeats, in UTF-16 units. */
const MAX_RECEIVED_CHARS = 120;

function shortened(words: string): string {
  return words.length <= MAX_RECEIVED_CHARS ? words : `${words.slice(0, MAX_RECEIVED_CHARS)}…`;
}

type Issue = v.BaseIssue<unknown>;
type Path = readonly v.IssuePathItem[];

interface PlacedIssue {
  readonly issue: Issue;
  readonly path: Path;
}

function isUnknownKey(issue: Issue): boolean {
  return issue.type === 'strict_object' && issue.expected === 'never';
}

/** The most telling issue of a union: of the choice that got furthest into the data, or whose type was right. */
function innermost(issue: Issue, path: Path): PlacedIssue {
  const inner = (issue.issues ?? []).map((each) => innermost(each, [...path, ...(each.path ?? [])]));
  const [first] = inner.toSorted((a, b) => b.path.length - a.path.length);
  if (first !== undefined && first.path.length > path.length) return first;
  return inner.find((each) => each.issue.kind === 'validation') ?? { issue, path };
}

type Schema = {
  readonly entries?: Record<string, Schema>;
  readonly wrapped?: Schema;
  readonly item?: Schema;
  readonly options?: readonly Schema[];
  readonly value?: Schema;
};

function keysAt(schema: unknown, path: readonly unknown[]): string[] {
  return objectsAt(schema as Schema, path).flatMap(({ entries }) => Object.keys(entries ?? {}));
}

/** The object schemas that a path of keys may lead to. */
function objectsAt(schema: Schema, path: readonly unknown[]): Schema[] {
  if (schema.wrapped !== undefined) return objectsAt(schema.wrapped, path);
  if (schema.options !== undefined) return schema.options.flatMap((option) => objectsAt(option, path));
  const [key, ...rest] = path;
  if (key === undefined) return schema.entries === undefined ? [] : [schema];
  const next = schema.entries?.[String(key)] ?? schema.item ?? schema.value;
  return next === undefined ? [] : objectsAt(next, rest);
}
