import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CloudletError, type Limits, limitsWith } from '../../../guest-sdk/protocol/index.ts';
import type { InvocationRequest } from '../../../runtime/invocation/invocation.ts';
import { checkHead } from '../../../runtime/invocation/limited-head.ts';

const head = suite('the head of a request');

const request = (count: number, valueBytes = 1): InvocationRequest => ({
  ...{ door: 'http', method: 'GET', scheme: 'http', authority: 'a.test', path: '/' },
  headers: Array.from({ length: count }, () => ['x', new Uint8Array(valueBytes)] as const),
});
const codeOf = (asked: InvocationRequest, limits: Partial<Limits> = {}): string | null => {
  try {
    checkHead(asked, limitsWith(limits));
    return null;
  } catch (error) {
    return (error as CloudletError).code;
  }
};

for (const [what, asked, limits, code] of [
  ['of 256 fields is taken', request(256), {}, null],
  ['of 257 is not', request(257), {}, 'headers-too-large'],
  ['of 32,769 is not', request(32_769), {}, 'headers-too-large'],
  ['of 257 is taken by a function that takes more', request(257), { fields: 1000 }, null],
  ['of two is not taken by a function that takes one', request(2), { fields: 1 }, 'headers-too-large'],
  ['of 64 KiB in one field is taken', request(1, 65_535), {}, null],
  ['of a byte more is not', request(1, 65_536), {}, 'headers-too-large'],
  ['of a command has no fields', { door: 'run', arguments: ['x'] }, { fields: 0, fieldBytes: 0 }, null],
] as const) {
  head(what, () => {
    assert.is(codeOf(asked, limits), code);
  });
}

head('says how many came and what to do', () => {
  assert.throws(() => checkHead(request(300), limitsWith()), /at most 256 .* got 300 of 600; send fewer, or raise/);
  assert.throws(
    () => checkHead(request(300), limitsWith()),
    (error: unknown) => error instanceof CloudletError,
  );
});

head.run();
