import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  type AdvertisedFacts,
  advertisementText,
  CloudletError,
  instanceLabel,
  parseAdvertisement,
} from '../../../guest-sdk/protocol/index.ts';

const advertisement = suite('the advertisement');

const FACTS: AdvertisedFacts = {
  id: 'cl-0a1b2c3d',
  version: '0.1.0',
  path: '/v1',
  publicKey: 'n4bQgYhMfWWaL-qgxVrQFaO_TxsrC4Is0V1sFbDwCgg',
  tls: false,
  auth: 'token',
};
const bytes = (strings: readonly string[]): Uint8Array[] => strings.map((string) => new TextEncoder().encode(string));
const GOOD = advertisementText(FACTS);

advertisement('is these strings, in this order: devices in the field read them', () => {
  assert.equal(GOOD, [
    'txtvers=1',
    'id=cl-0a1b2c3d',
    'v=0.1.0',
    'path=/v1',
    'pk=n4bQgYhMfWWaL-qgxVrQFaO_TxsrC4Is0V1sFbDwCgg',
    'tls=0',
    'auth=token',
    'encryption=disabled',
  ]);
});

advertisement('is read back as what was said', () => {
  assert.equal(parseAdvertisement(bytes(GOOD)), FACTS);
  const silent = { ...FACTS, publicKey: null, tls: true };
  assert.equal(parseAdvertisement(bytes(advertisementText(silent))), silent);
});

advertisement(
  'is read in any order and case, with keys of later versions, and the first of a repeated key counts',
  () => {
    const strings = [...GOOD.toReversed().map((pair) => pair.replace(/^[^=]+/, (key) => key.toUpperCase()))];
    assert.equal(parseAdvertisement(bytes([...strings, 'id=cl-ffffffff', 'gpu=1', 'flag', '=x', ''])), FACTS);
  },
);

const without = (key: string): string[] => GOOD.filter((pair) => !pair.startsWith(`${key}=`));
const REFUSED: readonly (readonly [what: string, strings: readonly string[], sentence: RegExp])[] = [
  ['an empty record', [], /txtvers= .* "1", got nothing/],
  ['another version of the format', ['txtvers=2', ...without('txtvers')], /txtvers= .*got "2"/],
  ['no id', without('id'), /id= .*got nothing/],
  ['an id that is no host name', ['id=cl-../..', ...without('id')], /id= /],
  ['a path that leaves the host', ['path=//evil.example', ...without('path')], /path= /],
  ['a path with a query', ['path=/v1?x', ...without('path')], /path= /],
  ['a key that is not base64url', ['pk=<script>', ...without('pk')], /pk= /],
  ['a flag that is no flag', ['tls=yes', ...without('tls')], /tls= .*0 or 1, got "yes"/],
  ['an escape sequence for the terminal', ['v=\u001b[2J', ...without('v')], /v= /],
  ['more than a packet holds', [...GOOD, ...Array.from({ length: 6 }, () => 'x'.repeat(255))], /at most 1300 bytes/],
];
for (const [what, strings, sentence] of REFUSED) {
  advertisement(`refuses ${what}`, () => {
    assert.throws(
      () => parseAdvertisement(bytes(strings)),
      (error: unknown) =>
        error instanceof CloudletError && error.code === 'request-invalid' && sentence.test(error.message),
    );
  });
}

advertisement('is not made from facts that nobody would believe', () => {
  assert.throws(() => advertisementText({ ...FACTS, id: 'my computer' }), /id= /);
  assert.throws(() => advertisementText({ ...FACTS, path: `/${'x'.repeat(300)}` }), /at most 255 bytes/);
});

for (const [name, label] of [
  ['Ada’s laptop', 'Ada’s laptop'],
  ['  two\tlines\n ', 'two lines'],
  ['ada.home', 'ada home'],
  ['x'.repeat(80), 'x'.repeat(63)],
  ['é'.repeat(40), 'é'.repeat(31)],
  ['🌩'.repeat(20), '🌩'.repeat(15)],
] as const) {
  advertisement(`shows ${JSON.stringify(name.slice(0, 12))} as a label of at most 63 bytes`, () => {
    assert.is(instanceLabel(name), label);
    assert.ok(new TextEncoder().encode(instanceLabel(name)).length <= 63);
  });
}

advertisement.run();
