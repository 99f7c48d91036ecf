import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { hostPatterns, parseDestination } from '../../../../runtime/outside/network/host-pattern.ts';

const pattern = suite('host patterns');

for (const [authority, host, port] of [
  ['example.org', 'example.org', 80],
  ['EXAMPLE.Org:8080', 'example.org', 8080],
  ['example.org.', 'example.org', 80],
  ['example.org.:81', 'example.org', 81],
  ['bücher.example', 'xn--bcher-kva.example', 80],
  ['ＥＸＡＭＰＬＥ.org', 'example.org', 80],
  ['127.0.0.1:1', '127.0.0.1', 1],
  ['2130706433', '127.0.0.1', 80],
  ['0x7f.1', '127.0.0.1', 80],
  ['0177.0.0.1', '127.0.0.1', 80],
  ['127.1:90', '127.0.0.1', 90],
  ['[::1]:8080', '::1', 8080],
  ['[::ffff:169.254.169.254]', '::ffff:a9fe:a9fe', 80],
  ['[0:0:0:0:0:0:0:1]', '::1', 80],
] as const)
  pattern(`${authority} goes to ${host}, port ${port}`, () => {
    assert.equal(parseDestination(authority, 'http'), { host, port });
  });

pattern('the port of a scheme is its own', () => {
  assert.is(parseDestination('example.org', 'https')?.port, 443);
});

for (const authority of [
  '',
  ':80',
  'user@example.org',
  'user:secret@example.org',
  'good.example@evil.example',
  'example.org/path',
  'example.org\\@evil.example',
  'example.org?x',
  'example.org#x',
  'exa mple.org',
  'exa%2emple.org',
  'example.org:0',
  'example.org:65536',
  'example.org:http',
  '::1',
  '[::1',
  '[fe80::1%25eth0]',
  '*.example.org',
  'a..example.org',
  'example.org..',
  'example.org。.',
  '.example.org',
  '1.2.3.4.5',
  '256.0.0.1',
  `${'a'.repeat(300)}.org`,
])
  pattern(`${JSON.stringify(authority.slice(0, 40))} goes nowhere`, () => {
    assert.is(parseDestination(authority, 'http'), null);
  });

for (const [texts, scheme, authority, named] of [
  [['api.example.org'], 'https', 'api.example.org', true],
  [['api.example.org'], 'http', 'API.example.org.', true],
  [['api.example.org'], 'https', 'api.example.org:8443', false],
  [['api.example.org:8443'], 'https', 'api.example.org:8443', true],
  [['api.example.org:8443'], 'https', 'api.example.org', false],
  [['api.example.org:443'], 'http', 'api.example.org', false],
  [['api.example.org:443'], 'https', 'api.example.org', true],
  [['https://api.example.org'], 'http', 'api.example.org', false],
  [['HTTPS://api.example.org'], 'https', 'api.example.org', true],
  [['https://api.example.org'], 'https', 'api.example.org:80', false],
  [['api.example.org'], 'https', 'api.example.org.evil.example', false],
  [['api.example.org'], 'https', 'xapi.example.org', false],
  [['api.example.org'], 'https', 'apixexample.org', false],
  [['*.example.org'], 'https', 'a.example.org', true],
  [['*.example.org'], 'https', 'a.b.example.org', true],
  [['*.example.org'], 'https', 'example.org', false],
  [['*.example.org'], 'https', 'evilexample.org', false],
  [['*.example.org:8443'], 'https', 'a.example.org:8443', true],
  [['*.example.org:*'], 'http', 'a.example.org:1', true],
  [['127.0.0.1:8080'], 'http', '0x7f.1:8080', true],
  [['127.0.0.1:8080'], 'http', '127.0.0.2:8080', false],
  [['0x7f.1:8080'], 'http', '127.0.0.1:8080', true],
  [['[::1]:*'], 'http', '[0::1]:99', true],
  [['bücher.example'], 'https', 'xn--bcher-kva.example', true],
  [['*'], 'https', 'anything.example', true],
  [['*'], 'https', 'anything.example:444', false],
  [['*:*'], 'http', '10.0.0.1:444', true],
  [[], 'https', 'example.org', false],
  [['a.example', 'b.example'], 'https', 'b.example', true],
] as const)
  pattern(`${texts.join(', ') || 'nothing'} ${named ? 'names' : 'does not name'} ${scheme}://${authority}`, () => {
    assert.is(hostPatterns(texts)(parseDestination(authority, scheme)!, scheme), named);
  });

pattern('a plain socket is named by host and port, and by no scheme', () => {
  const named = (text: string, port: number) => hostPatterns([text])({ host: 'db.example', port }, null);
  assert.equal(
    [named('db.example:5432', 5432), named('db.example:5432', 5433), named('db.example:*', 1), named('db.example', 80)],
    [true, false, true, false],
  );
  assert.not.ok(named('http://db.example:5432', 5432));
});

for (const text of [
  '',
  '*.',
  '*.*',
  '*.1.2.3.4',
  '*.[::1]',
  'a*.example',
  'ftp://example.org',
  'https://',
  'example.org:0',
  'example.org:70000',
  'example.org/path',
  'user@example.org',
  '::1',
])
  pattern(`${JSON.stringify(text)} is no pattern`, () => {
    assert.throws(() => hostPatterns([text]), /expected a host such as/);
  });

pattern.run();
