import { access } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { CloudletError, strictParse } from '../protocol/index.ts';
import { readDocument } from './document.ts';

/** Where a project has the tests of its own, relative to its folder. */
export const CASES_FILE = 'test/cases.json';

/** One call of a function with types, and its answer as JSON has it. */
const Call = v.strictObject({ call: v.string(), arguments: v.array(v.unknown()), answer: v.unknown() });

/** One run of a command with its arguments, and what it writes. */
const Run = v.strictObject({
  run: v.array(v.string()),
  input: v.optional(v.string(), ''),
  output: v.string(),
  status: v.optional(v.number(), 0),
});

/** One request, with the method as value of `http`, and the text that it is answered with. */
const Http = v.strictObject({
  http: v.picklist(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']),
  path: v.pipe(v.string(), v.startsWith('/')),
  body: v.optional(v.string()),
  status: v.optional(v.number(), 200),
  answer: v.string(),
});

/** What a function is given in a test, and what it has to give back. */
export type Case = v.InferOutput<typeof Call> | v.InferOutput<typeof Run> | v.InferOutput<typeof Http>;

/** Whether the project in a folder has cases. */
export function hasCases(folder: string): Promise<boolean> {
  return access(join(folder, CASES_FILE)).then(
    () => true,
    () => false,
  );
}

/**
 * Reads the tests of the project in a folder.
 * @throws CloudletError `project-invalid` naming the case and what is wrong with it.
 */
export async function readCases(folder: string): Promise<readonly Case[]> {
  const path = join(folder, CASES_FILE);
  let list: unknown;
  try {
    list = JSON.parse(await readDocument(path));
  } catch (cause) {
    const words = cause instanceof SyntaxError ? `which is no JSON: ${cause.message}` : (cause as Error).message;
    throw new CloudletError('project-invalid', `expected a list of cases in ${path}, ${words}`, { cause });
  }
  if (!Array.isArray(list) || list.length === 0)
    throw new CloudletError('project-invalid', `expected a list of cases in ${path}, with one case at least`);
  return list.map((each: unknown, at) => parseCase(each, `${CASES_FILE}, case ${at + 1}`));
}

function parseCase(value: unknown, where: string): Case {
  const has = (key: string) => typeof value === 'object' && value !== null && Object.hasOwn(value, key);
  const form = has('call') ? Call : has('run') ? Run : has('http') ? Http : null;
  if (form === null)
    throw new CloudletError(
      'project-invalid',
      `${where}: expected "call", "run" or "http", got ${JSON.stringify(value)}`,
    );
  return strictParse(form, value, where, 'project-invalid');
}
