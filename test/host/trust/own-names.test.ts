import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { hostOf, isOwnOrigin, ownNames } from '../../../host/trust/index.ts';

const names = suite('own names');
const id = 'cl-0a1b2c3d';

const loopback = ownNames({ bind: '127.0.0.1', id, allowHosts: ['Cloudlet.Example'] });
const network = ownNames({
  bind: '0.0.0.0',
  id,
  addresses: () => ['192.168.1.5', 'fe80::1%eth0', '2001:DB8::0:1'],
  machineName: 'Laptop',
});
const single = ownNames({ bind: '192.168.1.5', id });

names('nobody has an empty name, also before any other came', () => {
  assert.is(ownNames({ bind: '127.0.0.1', id }).includes(''), false);
});

const table: readonly [text: string, onLoopback: boolean, onNetwork: boolean, onSingle: boolean][] = [
  ['localhost', true, true, true],
  ['LocalHost:8080', true, true, true],
  ['localhost.', true, true, true],
  ['127.0.0.1:1', true, true, true],
  ['[::1]:8080', true, true, true],
  [`${id}.local:8080`, true, true, true],
  ['cloudlet.example', true, false, false],
  ['192.168.1.5:8080', false, true, true],
  ['192.168.1.6', false, false, false],
  ['[fe80::1]', false, true, false],
  ['[2001:db8::1]', false, true, false],
  ['laptop.local', false, true, false],
  ['laptop', false, true, false],
  ['evil.example', false, false, false],
  ['localhost.evil.example', false, false, false],
  ['evil.example:80@localhost', false, false, false],
  ['user@localhost', false, false, false],
  ['localhost/evil', false, false, false],
  ['localhost:', false, false, false],
  ['localhost:8080:8080', false, false, false],
  ['[localhost]', false, false, false],
  ['', false, false, false],
  ['127.0.0.1 ', false, false, false],
  ['0.0.0.0', false, false, false],
];
for (const [text, ...expected] of table) {
  names(
    `${JSON.stringify(text)} is own: on loopback ${expected[0]}, on the network ${expected[1]}, on one address ${expected[2]}`,
    () => {
      assert.equal(
        [loopback, network, single].map((own) => own.includes(text)),
        expected,
      );
    },
  );
}

names('an address that the machine got later is own then', () => {
  let addresses = ['10.0.0.1'];
  const own = ownNames({ bind: '::', id, addresses: () => addresses, machineName: 'm' });
  assert.is(own.includes('10.0.0.1'), true);
  addresses = [];
  assert.is(own.includes('10.0.0.1'), true, 'known for some seconds more');
});

const origins: readonly [origin: string, authority: string, own: boolean][] = [
  ['http://localhost:8080', 'localhost:8080', true],
  ['http://LOCALHOST:8080', 'localhost:8080', true],
  ['https://cloudlet.example', 'cloudlet.example', true],
  ['http://localhost', 'localhost:80', true],
  ['https://localhost', 'localhost:443', true],
  ['http://localhost:3000', 'localhost:8080', false],
  ['http://localhost', 'localhost:8080', false],
  ['http://127.0.0.1:8080', 'localhost:8080', false],
  ['null', 'localhost:8080', false],
  ['http://evil.example', 'localhost:8080', false],
  ['http://localhost:8080/', 'localhost:8080', false],
  ['file://localhost:8080', 'localhost:8080', false],
  ['', 'localhost:8080', false],
];
for (const [origin, authority, own] of origins) {
  names(`origin ${JSON.stringify(origin)} ${own ? 'is' : 'is not'} own at ${authority}`, () => {
    assert.is(isOwnOrigin(origin, authority), own);
  });
}

names('the host of an authority has no port and no final dot', () => {
  assert.equal(['A.b:1', '[::1]:2', 'x.', 'a:b:c', 'ü', '%41'].map(hostOf), ['a.b', '[::1]', 'x', null, null, null]);
});

names.run();
