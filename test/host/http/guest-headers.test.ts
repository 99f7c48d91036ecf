import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { headersForGuest, headersFromGuest, trailersFromGuest } from '../../../host/http/guest-headers.ts';
import type { HeaderPair } from '../../../runtime/index.ts';

const headers = suite('headers of guests');
const pair = (name: string, value: string): HeaderPair => [name, Buffer.from(value, 'latin1')];

headers('a component does not see what belongs to the connection or proves the caller', () => {
  const seen = headersForGuest([
    ...['Host', 'localhost'],
    ...['Accept', 'a'],
    ...['accept', 'b'],
    ...['Connection', 'close, X-Hop'],
    ...['X-Hop', '1'],
    ...['Authorization', 'Bearer secret'],
    ...['Cookie', 'cloudlet-session-x=secret'],
    ...['Transfer-Encoding', 'chunked'],
    ...['TE', 'trailers'],
    ...['Cloudlet-Deadline-Ms', '5'],
    ...['X-Name', 'Ren\u00e9'],
  ]);
  assert.equal(
    seen.map(([name, value]) => [name, Buffer.from(value).toString('latin1')]),
    [
      ['accept', 'a'],
      ['accept', 'b'],
      ['x-name', 'Ren\u00e9'],
    ],
  );
});

headers('a component cannot act on the origin it shares, and what was withheld is named', () => {
  const answer = headersFromGuest([
    pair('Content-Type', 'text/html'),
    pair('set-cookie', 'cloudlet-session-x=evil'),
    pair('clear-site-data', '"*"'),
    pair('access-control-allow-origin', '*'),
    pair('cloudlet-exit-code', '0'),
    pair('transfer-encoding', 'chunked'),
    pair('connection', 'x-hop'),
    pair('x-hop', '1'),
    pair('x-own', 'a'),
    pair('x-own', 'b'),
  ]);
  assert.equal(answer.fields, [
    ['content-type', 'text/html'],
    ['x-own', 'a'],
    ['x-own', 'b'],
  ]);
  assert.equal(answer.stripped, ['set-cookie', 'clear-site-data', 'access-control-allow-origin', 'cloudlet-exit-code']);
});

headers('trailers cannot describe the message', () => {
  assert.equal(trailersFromGuest([pair('content-length', '1'), pair('set-cookie', 'a=b'), pair('x-checksum', '1')]), [
    ['x-checksum', '1'],
  ]);
});

const invalid: readonly [what: string, pairs: readonly HeaderPair[]][] = [
  ['a line break in a value', [pair('x', 'a\r\nset-cookie: b')]],
  ['a NUL in a value', [pair('x', 'a\0')]],
  ['a blank in a name', [pair('x y', 'a')]],
  ['an empty name', [pair('', 'a')]],
  ['a colon in a name', [pair('x:', 'a')]],
  ['two lengths', [pair('content-length', '5'), pair('content-length', '6')]],
  ['a list of lengths', [pair('content-length', '5, 5')]],
  ['a negative length', [pair('content-length', '-1')]],
  ['too many fields', Array.from({ length: 257 }, (_, i) => pair(`x-${i}`, ''))],
  ['too many bytes', [pair('x', 'a'.repeat(64 * 1024))]],
];
for (const [what, pairs] of invalid) {
  headers(`${what} is a bad answer of the function`, () => {
    assert.throws(
      () => headersFromGuest(pairs),
      (error: { code: string }) => error.code === 'guest-response-invalid',
    );
  });
}

headers.run();
