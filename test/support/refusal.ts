import * as assert from 'uvu/assert';
import { CloudletError, type ErrorCode } from '../../guest-sdk/protocol/index.ts';

/** Asserts that work is refused with a code and a sentence, whether it throws or rejects. */
export async function refused(work: () => unknown, code: ErrorCode, sentence: RegExp): Promise<void> {
  let error: unknown;
  try {
    await work();
  } catch (thrown) {
    error = thrown;
  }
  assert.instance(error, CloudletError, `expected ${code}, got ${String(error)}`);
  assert.equal([(error as CloudletError).code, sentence.test((error as Error).message)], [code, true], String(error));
}
