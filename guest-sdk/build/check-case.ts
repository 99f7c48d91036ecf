import { isDeepStrictEqual } from 'node:util';
import { asCloudletError } from '../protocol/index.ts';
import type { Case } from './cases.ts';

/** The doors through which cases are asked: `functionUnderTest()` of `cloudlet/client` has them. */
export interface CaseDoors {
  readonly call: (target: string, ...args: readonly unknown[]) => Promise<unknown>;
  readonly run: (
    args: readonly string[],
    input: string,
  ) => Promise<{ readonly status: number | null; readonly output: string }>;
  readonly request: (
    path: string,
    init: { readonly method: string; readonly body?: string },
  ) => Promise<{ readonly status: number; readonly text: string }>;
}

/** How a case, or a test of a file, came out. */
export interface CheckedCase {
  readonly name: string;
  readonly passed: boolean;
  readonly ms: number;
  /** What was expected and what came, or why nothing did; left out when it passed. */
  readonly reason?: string;
}

/** A case in words: `call count-words "b a b"`, `run --number`, `GET /path`. */
export function caseName(each: Case): string {
  if ('call' in each)
    return ['call', each.call, ...each.arguments.map((value) => JSON.stringify(value))].join(' ').slice(0, 100);
  if ('run' in each) return ['run', ...each.run].join(' ').slice(0, 100);
  return `${each.http} ${each.path}`.slice(0, 100);
}

/** Asks a function what a case asks, and compares. Never rejects. */
export async function checkCase(each: Case, doors: CaseDoors): Promise<CheckedCase> {
  const began = performance.now();
  const name = caseName(each);
  const result = await answersOf(each, doors).catch((error: unknown) => asCloudletError(error).message);
  const ms = performance.now() - began;
  if (typeof result === 'string') return { name, passed: false, ms, reason: result };
  const { expected, got } = result;
  if (isDeepStrictEqual(expected, got)) return { name, passed: true, ms };
  return { name, passed: false, ms, reason: `expected ${shown(expected)}\n     got ${shown(got)}` };
}

async function answersOf(each: Case, doors: CaseDoors): Promise<{ readonly expected: unknown; readonly got: unknown }> {
  if ('call' in each) return { expected: each.answer, got: await doors.call(each.call, ...each.arguments) };
  if ('run' in each) {
    const { status, output } = await doors.run(each.run, each.input);
    return { expected: { status: each.status, output: each.output }, got: { status, output } };
  }
  const { body, http: method } = each;
  const { status, text } = await doors.request(each.path, { method, ...(body === undefined ? {} : { body }) });
  return { expected: { status: each.status, answer: each.answer }, got: { status, answer: text } };
}

function shown(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > 2000 ? `${text.slice(0, 2000)}…` : text;
}
