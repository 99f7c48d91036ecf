import { generateKeyPairSync, sign as nodeSign } from 'node:crypto';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { fingerprintOf, newPublisherKey, signDetached, verifyDetached } from '../../../../guest-sdk/protocol/index.ts';
import { refused } from '../../../support/refusal.ts';

const signatures = suite('a detached signature');

const PAYLOAD = Buffer.from('{"kind":"application"}');
const ED = generateKeyPairSync('ed25519');
const P256 = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const ED_KEY = ED.publicKey.export({ format: 'jwk' });
const P256_KEY = P256.publicKey.export({ format: 'jwk' });
const TYPE = 'cloudlet-entry+jws';

const base64url = (value: object | Buffer): string =>
  (Buffer.isBuffer(value) ? value : Buffer.from(JSON.stringify(value))).toString('base64url');

/** A signature by Node's own crypto, not by ours. */
function signed(header: object, key = ED.privateKey, payload = PAYLOAD, encoded = true): string {
  const head = base64url(header);
  const input = Buffer.concat([Buffer.from(`${head}.`), encoded ? Buffer.from(base64url(payload)) : payload]);
  const bytes =
    key === ED.privateKey ? nodeSign(null, input, key) : nodeSign('sha256', input, { key, dsaEncoding: 'ieee-p1363' });
  return `${head}..${base64url(bytes)}`;
}

for (const [what, text] of [
  ['EdDSA over the encoded payload', signed({ alg: 'EdDSA', typ: TYPE, jwk: ED_KEY })],
  [
    'EdDSA with b64 false',
    signed({ alg: 'EdDSA', typ: TYPE, jwk: ED_KEY, b64: false, crit: ['b64'] }, ED.privateKey, PAYLOAD, false),
  ],
  [
    'ES256 with b64 true',
    signed({ alg: 'ES256', typ: TYPE, jwk: P256_KEY, b64: true, crit: ['b64'] }, P256.privateKey),
  ],
  [
    'ES256 with b64 false',
    signed({ alg: 'ES256', typ: TYPE, jwk: P256_KEY, b64: false, crit: ['b64'] }, P256.privateKey, PAYLOAD, false),
  ],
] as const) {
  signatures(`of another implementation holds: ${what}`, async () => {
    const { fingerprint } = await verifyDetached(text, PAYLOAD, 'entry');
    assert.is(fingerprint.length, 43);
    await refused(
      () => verifyDetached(text, Buffer.from('{"kind":"Application"}'), 'entry'),
      'signature-invalid',
      /other bytes/,
    );
  });
}

signatures('of ours holds, for both kinds of key', async () => {
  for (const key of [await newPublisherKey(), P256.privateKey.export({ format: 'jwk' }) as JsonWebKey]) {
    const text = await signDetached(PAYLOAD, key, 'entry');
    const signer = await verifyDetached(text, PAYLOAD, 'entry');
    assert.is(signer.fingerprint, fingerprintOf(signer.key));
  }
});

signatures('has the thumbprint of RFC 7638 (example of RFC 8037) as its fingerprint', () => {
  const key = { kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' } as const;
  assert.is(fingerprintOf(key), 'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k');
});

const GOOD = signed({ alg: 'EdDSA', typ: TYPE, jwk: ED_KEY });
const [HEAD, , TAIL] = GOOD.split('.') as [string, string, string];

for (const [attack, text, sentence] of [
  ['none', signed({ alg: 'none', typ: TYPE, jwk: ED_KEY }), /alg in the header/],
  ['none and no signature', `${base64url({ alg: 'none', typ: TYPE, jwk: ED_KEY })}..`, /alg in the header/],
  [
    'HS256 with the public key as secret',
    signed({ alg: 'HS256', typ: TYPE, jwk: { kty: 'oct', k: ED_KEY.x } }),
    /alg in the header/,
  ],
  [
    'a symmetric key',
    signed({ alg: 'EdDSA', typ: TYPE, jwk: { kty: 'oct', k: 'AAAA' } }),
    /a public key, got a private one/,
  ],
  ['EdDSA with a key of another algorithm', signed({ alg: 'EdDSA', typ: TYPE, jwk: P256_KEY }), /"alg" ES256/],
  ['ES256 with an Ed25519 key', signed({ alg: 'ES256', typ: TYPE, jwk: ED_KEY }), /"alg" EdDSA/],
  [
    "somebody else's key in the header",
    signed({ alg: 'EdDSA', typ: TYPE, jwk: generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' }) }),
    /another key/,
  ],
  [
    'a private key in the header',
    signed({ alg: 'EdDSA', typ: TYPE, jwk: ED.privateKey.export({ format: 'jwk' }) }),
    /got a private one/,
  ],
  [
    'a point that is not on the curve',
    signed({ alg: 'ES256', typ: TYPE, jwk: { ...P256_KEY, x: 'A'.repeat(43) } }, P256.privateKey),
    /point of P-256/,
  ],
  [
    'a key of small order',
    signed({ alg: 'EdDSA', typ: TYPE, jwk: { kty: 'OKP', crv: 'Ed25519', x: `AQ${'A'.repeat(41)}` } }),
    /small order/,
  ],
  ['another curve', signed({ alg: 'ES256', typ: TYPE, jwk: { ...P256_KEY, crv: 'P-384' } }), /Ed25519 or P-256/],
  ['a kid of another key', signed({ alg: 'EdDSA', typ: TYPE, jwk: ED_KEY, kid: 'x' }), /"kid"/],
  ['a type of something else', signed({ alg: 'EdDSA', typ: 'JWT', jwk: ED_KEY }), /typ in the header/],
  [
    'an address of a key',
    signed({ alg: 'EdDSA', typ: TYPE, jwk: ED_KEY, jku: 'https://evil.example' }),
    /jku in the header/,
  ],
  [
    'an extension that nobody knows',
    signed({ alg: 'EdDSA', typ: TYPE, jwk: ED_KEY, crit: ['exp'], exp: 1 }),
    /in the header/,
  ],
  [
    'b64 that need not be understood',
    signed({ alg: 'EdDSA', typ: TYPE, jwk: ED_KEY, b64: false }, ED.privateKey, PAYLOAD, false),
    /together/,
  ],
  ['crit of what is not there', signed({ alg: 'EdDSA', typ: TYPE, jwk: ED_KEY, crit: ['b64'] }), /together/],
  [
    'the encoding of the other b64',
    signed({ alg: 'EdDSA', typ: TYPE, jwk: ED_KEY, b64: false, crit: ['b64'] }),
    /other bytes/,
  ],
  ['a payload in it', `${HEAD}.${base64url(PAYLOAD)}.${TAIL}`, /detached/],
  ['a fourth part', `${GOOD}.x`, /detached/],
  ['bits that mean nothing', `${HEAD}..${TAIL.slice(0, -1)}${TAIL.endsWith('B') ? 'C' : 'B'}`, /64 bytes|other bytes/],
  [
    'a signature in DER',
    `${base64url({ alg: 'ES256', typ: TYPE, jwk: P256_KEY })}..${base64url(nodeSign('sha256', PAYLOAD, P256.privateKey))}`,
    /64 bytes/,
  ],
  ['no JSON', 'e30x..AAAA', /JSON/],
  ['nothing', '', /detached/],
  ['megabytes', 'A'.repeat(10_000_000), /at most 4096/],
] as const) {
  signatures(`is refused: ${attack}`, () =>
    refused(() => verifyDetached(text, PAYLOAD, 'entry'), 'signature-invalid', sentence),
  );
}

signatures('is refused with any bit of it turned', async () => {
  const bytes = Buffer.from(TAIL, 'base64url');
  for (let bit = 0; bit < 512; bit += 37) {
    const turned = Buffer.from(bytes);
    turned[bit >> 3]! ^= 1 << (bit & 7);
    await refused(
      () => verifyDetached(`${HEAD}..${base64url(turned)}`, PAYLOAD, 'entry'),
      'signature-invalid',
      /other bytes/,
    );
  }
});

signatures('of one kind of document is none of another', async () => {
  const key = await newPublisherKey();
  for (const [made, asked] of [
    ['entry', 'package'],
    ['package', 'entry'],
  ] as const) {
    const text = await signDetached(PAYLOAD, key, made);
    await verifyDetached(text, PAYLOAD, made);
    await refused(() => verifyDetached(text, PAYLOAD, asked), 'signature-invalid', new RegExp(`"cloudlet-${asked}`));
  }
});

signatures.run();
