import { parseTables, type TomlTable } from './toml.ts';

/** What is known of a test beforehand: that it fails, or that it is not run, each for a reason. */
export interface Expectation {
  readonly kind: 'fail' | 'skip';
  readonly reason: string;
}

/** Looks up what is expected of a test; undefined: it has to pass. */
export type Expectations = (suite: string, test: string) => Expectation | undefined;

const KEYS = ['name', 'expected', 'action', 'reason'];

/**
 * A suite and a test may be named `async/*` and `*`: all tests of the suites that begin so, which can only be left out.
 * Reads a file of expectations: `[[suite]]` with a `name`, and in it `[[suite.test]]` with a `name`, `expected = "fail"` or `action = "skip"`,
 * and a `reason`. Throws an error that names the file, the line and what was expected; a test without a reason is one.
 */
export function parseExpectations(text: string, file: string): Expectations {
  const found = new Map<string, Expectation>();
  let suite: string | null = null;
  for (const table of parseTables(text, file)) {
    const at = `${file}:${table.line}`;
    if (table.name === '') {
      allow(table, ['version'], at);
      if ((table.entries.get('version') ?? 1) !== 1) throw new Error(`${at}: expected version = 1`);
    } else if (table.name === 'suite') {
      allow(table, ['name'], at);
      suite = textOf(table, 'name', at);
    } else if (table.name === 'suite.test') {
      if (suite === null) throw new Error(`${at}: expected [[suite]] before [[suite.test]]`);
      allow(table, KEYS, at);
      const key = keyOf(suite, textOf(table, 'name', at));
      if (found.has(key)) throw new Error(`${at}: expected each test once, got ${key} again`);
      const expectation = expectationOf(table, at);
      if (key.endsWith('*') && expectation.kind !== 'skip')
        throw new Error(`${at}: expected action = "skip" for all tests, since one by one is how failures are known`);
      found.set(key, expectation);
    } else throw new Error(`${at}: expected [[suite]] or [[suite.test]], got [[${table.name}]]`);
  }
  const anyTest = [...found]
    .filter(([key]) => key.endsWith('* *'))
    .map(([key, each]) => [key.slice(0, -3), each] as const);
  return (inSuite, test) =>
    found.get(keyOf(inSuite, test)) ?? anyTest.find(([prefix]) => inSuite.startsWith(prefix))?.[1];
}

/** Expects every test to pass. */
export const NO_EXPECTATIONS: Expectations = () => undefined;

function expectationOf(table: TomlTable, at: string): Expectation {
  const reason = textOf(table, 'reason', at);
  if (reason.trim() === '') throw new Error(`${at}: expected a reason, got an empty text`);
  const [expected, action] = [table.entries.get('expected'), table.entries.get('action')];
  if (expected === 'fail' && action === undefined) return { kind: 'fail', reason };
  if (action === 'skip' && expected === undefined) return { kind: 'skip', reason };
  throw new Error(`${at}: expected either expected = "fail" or action = "skip"`);
}

function allow(table: TomlTable, keys: readonly string[], at: string): void {
  const unknown = [...table.entries.keys()].find((key) => !keys.includes(key));
  if (unknown !== undefined) throw new Error(`${at}: expected only ${keys.join(', ')} here, got ${unknown}`);
}

function textOf(table: TomlTable, key: string, at: string): string {
  const value = table.entries.get(key);
  if (typeof value !== 'string') throw new Error(`${at}: expected ${key} = "…", got ${value ?? 'nothing'}`);
  return value;
}

function keyOf(suite: string, test: string): string {
  return `${suite} ${test}`;
}
