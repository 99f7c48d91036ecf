import * as v from 'valibot';
import { CloudletError, isErrorCode, Problem } from '../protocol/index.ts';
import { readWhole, type TransportResponse } from './transport.ts';

/** A problem document is a few sentences; whatever is longer is none. */
const MAX_PROBLEM_BYTES = 64 * 1024;

/** The error that an answer with a failing status tells of: the cloudlet's own code and sentence, or that the answer is not a cloudlet's. */
export async function problemOf(response: TransportResponse, url: string): Promise<CloudletError> {
  const text = new TextDecoder().decode(
    await readWhole(response.body, MAX_PROBLEM_BYTES).catch(() => new Uint8Array()),
  );
  const problem = v.safeParse(Problem, parsed(text));
  if (!problem.success || !isErrorCode(problem.output.code)) return notACloudlet(url, `status ${response.status}`);
  const retryAfterS = Number(response.header('retry-after') ?? Number.NaN);
  return new CloudletError(
    problem.output.code,
    problem.output.detail,
    Number.isFinite(retryAfterS) ? { retryAfterS } : {},
  );
}

/** What is said when something answers that does not speak as a cloudlet does. */
export function notACloudlet(url: string, got: string): CloudletError {
  const { origin, pathname } = new URL(url);
  return new CloudletError(
    'network-unavailable',
    `expected a cloudlet at ${origin}, but ${pathname} was answered with ${got}: another program serves there, or another version`,
  );
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // Not JSON is not a problem document, which the caller says.
  }
}
