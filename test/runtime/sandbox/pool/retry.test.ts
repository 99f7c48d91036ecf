import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CloudletError } from '../../../../guest-sdk/protocol/index.ts';
import type { InvokeRequest } from '../../../../runtime/sandbox/index.ts';
import { canRetry, mayRepeat } from '../../../../runtime/sandbox/pool/retry.ts';

const retry = suite('a retry');

const http = (method: string): InvokeRequest => ({
  ...{ door: 'http', method, scheme: 'http', authority: 'localhost', path: '/', headers: [] },
});

for (const [request, alone] of [
  [http('GET'), true],
  [http('HEAD'), true],
  [http('PUT'), true],
  [http('delete'), true],
  [http('OPTIONS'), true],
  [http('TRACE'), true],
  [http('POST'), false],
  [http('PATCH'), false],
  [http('PURGE'), false],
  [{ door: 'run', arguments: [] }, false],
  [{ door: 'call', target: 'add' }, false],
] as const) {
  const what = request.door === 'http' ? request.method : request.door;
  retry(`of ${what} ${alone ? 'needs no' : 'needs the'} caller's word`, () => {
    assert.is(mayRepeat(request, false), alone);
    assert.ok(mayRepeat(request, true));
  });
}

const LOST = new CloudletError('machine-failed', 'lost');
const OUTGROWN = new CloudletError('memory-exceeded', 'too large');
const FRESH = { begun: true, answering: false, reachedOutside: false, intact: true };
for (const [what, error, repeatable, progress, can] of [
  ['of what may be repeated', LOST, true, FRESH, true],
  ['of what outgrew its sandbox', OUTGROWN, true, FRESH, false],
  ['of what waited beside it', OUTGROWN, false, { ...FRESH, begun: false }, true],
  ['of what may not', LOST, false, FRESH, false],
  ['of what had not begun', LOST, false, { ...FRESH, begun: false }, true],
  ['of what has begun to answer', LOST, true, { ...FRESH, answering: true }, false],
  ['of what has reached outside of its sandbox', LOST, true, { ...FRESH, reachedOutside: true }, false],
  ['of what has streamed its input', LOST, true, { ...FRESH, intact: false }, false],
  ["of the guest's failure", new CloudletError('guest-trapped', 'trap'), true, FRESH, false],
  ['of a defect of ours', new Error('defect'), true, FRESH, false],
] as const) {
  retry(`${what} is ${can ? 'made' : 'not made'}`, () => assert.is(canRetry(error, repeatable, progress), can));
}

retry.run();
