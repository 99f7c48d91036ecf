import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { addressFault } from '../../../../guest-sdk/protocol/registry/registry-address.ts';

const address = suite('an address that a registry gives');

const FAR = 'https://images.example';
const PLAIN = 'http://images.example';
const HERE = 'http://localhost:5000';

for (const [origin, text, fault] of [
  [FAR, '/v2/a/blobs/uploads/1?x=y', null],
  [FAR, 'https://storage.example/b', null],
  [FAR, 'http://storage.example/b', /an address of https/],
  [FAR, 'http://images.example/b', /an address of https/],
  [FAR, 'file:///etc/passwd', /an address of https, got file:/],
  [FAR, 'data:,x', /an address of https/],
  [FAR, 'http://[', /an address, got/],
  [FAR, 'https://', /an address, got/],
  ...[
    ...['localhost:8080', '127.0.0.1', '127.1', '0x7f000001', '2130706433', 'a.localhost', '0.0.0.0', '[::1]', '[::]'],
    ...['169.254.169.254', '[fe80::1]', '[::ffff:127.0.0.1]', '[::ffff:169.254.169.254]', '[::ffff:0.0.0.0]'],
  ].flatMap((host) => [
    [FAR, `https://${host}/latest/meta-data`, /that others can reach/] as const,
    [PLAIN, `http://${host}/`, /that others can reach/] as const,
  ]),
  [HERE, 'http://127.0.0.1:5001/b', null],
  [HERE, 'http://169.254.169.254/', /an address of https/],
  [PLAIN, 'http://storage.example/b', null],
] as const)
  address(`${text} of ${origin}: ${fault === null ? 'taken' : 'refused'}`, () => {
    const found = addressFault(text, origin, { origin, insecure: origin === PLAIN, isShownCredentials: false });
    if (fault === null) assert.is(found, null);
    else assert.match(found ?? '', fault);
  });

address('a password goes in clear to the registry itself, where that was asked for, and to nobody else', () => {
  const asked = { origin: PLAIN, insecure: true, isShownCredentials: true };
  assert.is(addressFault('http://images.example:81/token', PLAIN, asked), null);
  assert.match(addressFault('http://auth.example/token', PLAIN, asked) ?? '', /an address of https/);
});

address.run();
