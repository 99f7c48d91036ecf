import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  coversPattern,
  formatHostPattern,
  type HostPattern,
  intersectPatterns,
  parseHostPattern,
} from '../../../../guest-sdk/protocol/index.ts';

const patterns = suite('host patterns');

const ANY = { port: 'scheme' } as const;
const read = (text: string): HostPattern => {
  const pattern = parseHostPattern(text, ANY);
  if (typeof pattern === 'string') throw new Error(`${text}: ${pattern}`);
  return pattern;
};

for (const [text, host, port] of [
  ['api.example.org', 'api.example.org', 'default'],
  ['API.Example.org:443', 'api.example.org', 443],
  ['*.example.org:8443', '*.example.org', 8443],
  ['*', null, 'default'],
  ['*:*', null, null],
  ['*:53', null, 53],
  ['192.0.2.7:*', '192.0.2.7', null],
  ['[2001:db8::1]:443', '2001:db8::1', 443],
  ['[::1]', '::1', 'default'],
  ['my_host-1', 'my_host-1', 'default'],
] as const) {
  patterns(`${text} is read`, () => assert.equal(parseHostPattern(text, ANY), { host, port }));
}

for (const text of [
  ...[
    '',
    ':80',
    'a b',
    'http://a',
    'a/b',
    'a..b',
    '.a',
    'a.',
    '-a',
    '*.',
    'a.*',
    '*a.b',
    'a:0',
    'a:65536',
    'a:x',
    'a:',
  ],
  // What a URL has no host for, or another.
  ...[
    'a.123',
    '*.0x1',
    '*.4',
    '127.1',
    '0x7f.0.0.1',
    '2130706433',
    '010.0.0.1',
    '256.1.1.1',
    '[1:2:3:4:5:6:7:8:9]',
    '[:::]',
  ],
  ...['[1.2.3.4]', '[::1', '::1', '[]', 'ä.example', `${'a'.repeat(64)}.org`, `${'a.'.repeat(140)}a`, 'user@host'],
]) {
  patterns(`${JSON.stringify(text)} is refused`, () => assert.type(parseHostPattern(text, ANY), 'string'));
}

patterns('a socket has a port', () => {
  assert.type(parseHostPattern('db.example.org', { port: 'named' }), 'string');
  assert.equal(parseHostPattern('db.example.org:*', { port: 'named' }), { host: 'db.example.org', port: null });
  assert.is(formatHostPattern({ host: 'db.example.org', port: null }), 'db.example.org:*');
  assert.is(formatHostPattern({ host: '::1', port: 443 }), '[::1]:443');
});

for (const [wide, narrow, covers] of [
  ['*', 'a.org', true],
  ['*', '*', true],
  ['*:80', '*', false],
  ['*.org', 'a.org', true],
  ['*.org', 'a.b.org:443', true],
  ['*.org', 'org', false],
  ['*.org', 'aorg', false],
  ['*.org', '*.a.org', true],
  ['*.a.org', '*.org', false],
  ['a.org', 'a.org:80', true],
  ['a.org', 'a.org:8080', false],
  ['a.org:*', 'a.org', true],
  ['a.org:*', 'a.org:8080', true],
  ['a.org', 'a.org:*', false],
  ['a.org:80', 'a.org', false],
  ['a.org', '*.org', false],
] as const) {
  patterns(`${wide} ${covers ? 'covers' : 'does not cover'} ${narrow}`, () =>
    assert.is(coversPattern(read(wide), read(narrow)), covers),
  );
}

for (const [a, b, both] of [
  ['*.org', 'a.org:80', 'a.org:80'],
  ['*.org:80', 'a.org', 'a.org:80'],
  ['*.a.org', '*.org', '*.a.org'],
  ['a.org:80', 'a.org:81', null],
  ['a.org', 'b.org', null],
  ['*', '*:53', null],
  ['*:*', '*:53', '*:53'],
  ['*:*', 'a.org', 'a.org'],
  ['a.org', 'a.org:443', 'a.org:443'],
] as const) {
  patterns(`${a} and ${b} have ${both ?? 'nothing'} in common, either way round`, () => {
    for (const [x, y] of [
      [a, b],
      [b, a],
    ] as const) {
      const found = intersectPatterns(read(x), read(y));
      assert.is(found === null ? null : formatHostPattern(found), both);
    }
  });
}

patterns.run();
