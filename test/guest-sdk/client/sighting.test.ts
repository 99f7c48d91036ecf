import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { isOnNetwork } from '../../../guest-sdk/client/mdns.ts';
import { type DnsRecord, SERVICE_NAME, Sightings } from '../../../guest-sdk/client/sighting.ts';
import { advertisementText } from '../../../guest-sdk/protocol/index.ts';

const sighting = suite('sightings');

const facts = { id: 'cl-0a1b2c3d', version: '0.1.0', path: '/v1', publicKey: null, tls: false, auth: 'token' };
const text = advertisementText(facts).map((string) => Buffer.from(string));
const name = `Ada.${SERVICE_NAME}`;
const PTR: DnsRecord = { name: SERVICE_NAME, type: 'PTR', ttl: 4500, data: name };
const SRV: DnsRecord = { name, type: 'SRV', ttl: 120, data: { port: 8080, target: 'cl-0a1b2c3d.local' } };
const TXT: DnsRecord = { name, type: 'TXT', ttl: 4500, data: text };
const A: DnsRecord = { name: 'cl-0a1b2c3d.local', type: 'A', ttl: 120, data: '192.0.2.7' };
const ALL = [PTR, SRV, TXT, A];

sighting('put a cloudlet together from records in any order, over several packets', () => {
  for (const order of [ALL, ALL.toReversed(), [TXT, A, PTR, SRV]]) {
    const sightings = new Sightings();
    for (const record of order) {
      assert.equal(sightings.found(), []);
      sightings.hear([record]);
    }
    assert.equal(sightings.found(), [
      {
        name: 'Ada',
        facts,
        host: 'cl-0a1b2c3d.local',
        port: 8080,
        addresses: ['192.0.2.7'],
        url: 'http://192.0.2.7:8080',
      },
    ]);
  }
});

sighting('know what is still to be asked for', () => {
  const sightings = new Sightings();
  sightings.hear([PTR]);
  assert.equal(sightings.missing(), [
    { name, type: 'SRV' },
    { name, type: 'TXT' },
  ]);
  sightings.hear([SRV, TXT]);
  assert.equal(sightings.missing(), [{ name: 'cl-0a1b2c3d.local', type: 'A' }]);
  sightings.hear([A]);
  assert.equal(sightings.missing(), []);
});

sighting('end with a goodbye', () => {
  const sightings = new Sightings();
  sightings.hear(ALL);
  sightings.hear([{ ...PTR, ttl: 0 }]);
  assert.equal(sightings.found(), []);
});

const NONSENSE: readonly (readonly [what: string, records: readonly DnsRecord[]])[] = [
  ['another service', [{ ...PTR, name: '_http._tcp.local' }, SRV, TXT, A]],
  ['a pointer to another service', [{ ...PTR, data: 'Ada._http._tcp.local' }, SRV, TXT, A]],
  ['a name that moves the cursor', [{ ...PTR, data: `\u001b[2J.${SERVICE_NAME}` }, SRV, TXT, A]],
  ['port 0', [PTR, { ...SRV, data: { port: 0, target: 'cl-0a1b2c3d.local' } }, TXT, A]],
  ['a target that is no host', [PTR, { ...SRV, data: { port: 80, target: 'a/../b?x' } }, TXT, A]],
  ['a location without data', [PTR, { ...SRV, data: undefined }, TXT, A]],
  ['the text of another program', [PTR, SRV, { ...TXT, data: [Buffer.from('encryption=disabled')] }, A]],
  ['text that is no bytes', [PTR, SRV, { ...TXT, data: 'txtvers=1' }, A]],
  ['an address that is none', [PTR, SRV, TXT, { ...A, data: '1.2.3.4/../' }]],
];
for (const [what, records] of NONSENSE) {
  sighting(`leave out ${what}`, () => {
    const sightings = new Sightings();
    sightings.hear(records);
    assert.equal(sightings.found(), []);
  });
}

sighting('remember a bounded number of names, whatever is said', () => {
  const sightings = new Sightings();
  for (let i = 0; i < 3000; i++) sightings.hear([{ ...PTR, data: `x${i}.${SERVICE_NAME}` }]);
  assert.ok(sightings.missing().length <= 2000);
});

for (const [address, netmask, other, on] of [
  ['192.0.2.7', '255.255.255.0', '192.0.2.200', true],
  ['192.0.2.7', '255.255.255.0', '192.0.3.1', false],
  ['127.0.0.1', '255.0.0.0', '127.200.1.1', true],
  ['10.1.2.3', '255.255.255.255', '10.1.2.3', true],
  ['10.1.2.3', '255.255.255.255', '10.1.2.4', false],
] as const) {
  sighting(`${other} is ${on ? '' : 'not '}on the network of ${address}/${netmask}`, () =>
    assert.is(isOnNetwork(other, { address, netmask }), on),
  );
}

sighting.run();
