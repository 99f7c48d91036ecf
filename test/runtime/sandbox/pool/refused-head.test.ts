import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { InvokeRequest } from '../../../../runtime/agent/wire.ts';
import { refusedHead } from '../../../../runtime/sandbox/pool/refused-head.ts';

const test = suite('the begin of an answer');

const http = (method: string): InvokeRequest => ({
  ...{ door: 'http', method, scheme: 'http', authority: 'a', path: '/', headers: [] },
});
const head = (...headers: readonly (readonly [string, string])[]) => ({
  status: 200,
  headers: headers.map(([name, value]) => [name, Buffer.from(value)] as const),
});

for (const [what, request, answer, code] of [
  ['of a command', { door: 'run', arguments: [] }, null, null],
  ['of a command, with a head', { door: 'run', arguments: [] }, head(), 'machine-failed'],
  ['of an http function, without a head', http('GET'), null, 'machine-failed'],
  ['without a length', http('GET'), head(['x', '5000']), null],
  ['with the most that it may have', http('GET'), head(['content-length', '1000']), null],
  ['with more', http('GET'), head(['content-type', 'a/b'], ['Content-Length', '1001']), 'result-too-large'],
  ['with more, of a body that does not come', http('HEAD'), head(['content-length', '1001']), null],
  ['with a length that is none', http('GET'), head(['content-length', 'all of it']), null],
] as const) {
  test(`${what} is ${code === null ? 'passed on' : code}`, () => {
    assert.is(refusedHead(request as InvokeRequest, answer, 1000)?.code ?? null, code);
  });
}

test.run();
