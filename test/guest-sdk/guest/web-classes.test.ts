import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Headers, Request, Response } from '../../../guest-sdk/guest/index.ts';
import { TextDecoder as OurDecoder, TextEncoder as OurEncoder } from '../../../guest-sdk/guest/quickjs/text-codec.ts';
import { URLSearchParams as OurSearchParams, URL as OurUrl } from '../../../guest-sdk/guest/quickjs/url.ts';
import { SeededRandom } from '../../support/random.ts';

const web = suite("the guest's web classes");

const TEXTS = [
  '',
  'plain',
  'é',
  '𝄞 and ü',
  '\ud800 alone',
  'a\udc00',
  'x'.repeat(20_000),
  `${'é'.repeat(9000)}`,
  '\ufeffmark',
];
web('encode text as the platform does', () => {
  for (const text of TEXTS) assert.equal([...new OurEncoder().encode(text)], [...new TextEncoder().encode(text)]);
});

const BYTES = [
  '',
  'c3a9',
  'ff',
  'c3',
  'e282',
  'e28241',
  'f09d849e',
  'f0808080',
  'eda080',
  'c0af',
  'f4908080',
  'efbbbf61',
  '61c3',
  '80bf',
  'e0a0',
  'f09f92',
];
web('decode bytes as the platform does, valid or not', () => {
  for (const hex of BYTES) {
    const bytes = Buffer.from(hex, 'hex');
    assert.is(new OurDecoder().decode(bytes), new TextDecoder().decode(bytes), hex);
  }
});

web('decode random bytes as the platform does', () => {
  const seed = Date.now() % 2 ** 32;
  const random = new SeededRandom(seed);
  const ours = new OurDecoder();
  const theirs = new TextDecoder();
  for (let n = 0; n < 2000; n++) {
    const bytes = Uint8Array.from({ length: random.below(12) }, () =>
      random.pick([0x41, 0x80, 0xbf, 0xc3, 0xe2, 0xed, 0xa0, 0xf0, 0x9f, 0xf4, 0x90, 0xff]),
    );
    assert.is(ours.decode(bytes), theirs.decode(bytes), `seed ${seed}: ${Buffer.from(bytes).toString('hex')}`);
  }
});

web('refuse bytes that are not UTF-8 when they are told to', () => {
  assert.throws(() => new OurDecoder('utf-8', { fatal: true }).decode(Uint8Array.of(0xff)), /not UTF-8/);
  assert.throws(() => new OurDecoder('latin1'), /only UTF-8/);
});

const ADDRESSES = [
  'http://h/',
  'http://h',
  'https://Host.example:443/a/b?x=1&y=%20#frag',
  'http://127.0.0.1:8080/p?q',
  'http://[::1]:80/',
  'http://h?x',
  'http://h/?#',
];
web('take addresses apart as the platform does', () => {
  for (const address of ADDRESSES) {
    const ours = new OurUrl(address);
    const theirs = new URL(address);
    for (const part of ['protocol', 'host', 'hostname', 'port', 'pathname', 'search', 'hash', 'origin'] as const) {
      assert.is(ours[part], theirs[part], `${part} of ${address}`);
    }
  }
  for (const wrong of ['', '/path', 'ftp://h/', 'http://', 'http://a b/'])
    assert.throws(() => new OurUrl(wrong), TypeError);
});

const QUERIES = ['', '?', 'a=1&b=2&a=3', '?a=b+c&d=%C3%A9&e', '=x&&y==z', 'p=%', "q='(~!*)"];
web('read and write queries as the platform does', () => {
  for (const query of QUERIES) {
    assert.equal([...new OurSearchParams(query)], [...new URLSearchParams(query)], query);
    assert.is(new OurSearchParams(query).toString(), new URLSearchParams(query).toString(), query);
  }
  const params = new OurSearchParams({ a: '1' });
  params.append('a', '2');
  assert.equal(params.getAll('a'), ['1', '2']);
  params.set('a', '3');
  assert.equal([params.get('a'), params.get('b'), params.has('a'), params.size], ['3', null, true, 1]);
});

web('keep header fields without regard to case, and refuse broken ones', () => {
  const headers = new Headers([['X-One', ' 1 ']]);
  headers.append('x-one', '2');
  assert.is(headers.get('X-ONE'), '1, 2');
  headers.set('x-one', '3');
  assert.equal([...headers], [['x-one', '3']]);
  headers.delete('X-One');
  assert.not.ok(headers.has('x-one'));
  assert.throws(() => headers.append('a b', 'x'), /not the name of a header/);
  assert.throws(() => headers.append('a', 'x\r\nb: c'), /one line/);
});

web('read a body once', async () => {
  const request = new Request('http://h/', { method: 'POST', body: 'é' });
  assert.equal([...(await request.bytes())], [0xc3, 0xa9]);
  assert.ok(request.bodyUsed);
  await request.text().then(
    () => assert.unreachable(),
    (error) => assert.match(error.message, 'read already'),
  );
});

web('refuse responses that HTTP does not have', () => {
  for (const status of [0, 100, 600, 200.5, Number.NaN])
    assert.throws(() => new Response('', { status }), /from 200 to 599/);
  assert.throws(() => new Response('x', { status: 204 }), /has no body/);
  assert.throws(() => new Response(7 as never), /must be a string, bytes/);
});

web.run();
