import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { ResolveAddressStream } from '../../../../runtime/wasi/sockets/name-lookup.ts';
import { thrown } from '../backend.ts';
import { finished, guestOf, openSockets, v4 } from './sockets-lab.ts';

const lookup = suite('name lookup');

/** All that a stream gives. */
function all(stream: ResolveAddressStream): unknown[] {
  const addresses: unknown[] = [];
  for (;;) {
    const next = stream.resolveNextAddress();
    if (next === undefined) return addresses;
    addresses.push(next);
  }
}

lookup('a guest without a network looks up nothing', () => {
  assert.is(
    thrown(() => guestOf(null).lookUp('localhost')),
    'access-denied',
  );
});

lookup('a name has addresses, and those that may not be reached are not among them', async () => {
  const resolver = async () => ['10.0.0.1', '93.184.215.14', '2606:2800::1', '169.254.169.254'];
  const { lookUp, wasi, outside } = openSockets({}, { resolver });
  const stream = lookUp('Example.org');
  assert.is(
    thrown(() => stream.resolveNextAddress()),
    'would-block',
  );
  assert.equal(await finished(stream, () => all(stream)), [
    { tag: 'ipv4', val: [93, 184, 215, 14] },
    { tag: 'ipv6', val: [0x2606, 0x2800, 0, 0, 0, 0, 0, 1] },
  ]);
  assert.equal(outside.asked, [['dns.resolve', { name: 'Example.org' }]]);
  stream[Symbol.dispose]();
  assert.equal([wasi.handles, outside.open], [0, 0]);
});

for (const [name, address] of [
  ['127.0.0.1', { tag: 'ipv4', val: [127, 0, 0, 1] }],
  ['::1', { tag: 'ipv6', val: [0, 0, 0, 0, 0, 0, 0, 1] }],
] as const)
  lookup(`${name} is itself, and nobody is asked`, async () => {
    const { lookUp } = openSockets({}, { resolver: () => Promise.reject(new Error('asked')) });
    const stream = lookUp(name);
    assert.equal(await finished(stream, () => all(stream)), [address]);
  });

for (const [what, grant, failure, name, code] of [
  ['that does not exist', {}, 'ENOTFOUND', 'none.example', 'name-unresolvable'],
  ['whose server is silent', {}, 'EAI_AGAIN', 'slow.example', 'temporary-resolver-failure'],
  [
    'that the grant does not name',
    { lookup: false, tcp: ['db.example:5432'], udp: [] },
    '',
    'other.example',
    'access-denied',
  ],
  ['with a space', {}, '', 'a b', 'invalid-argument'],
  ['with a path', {}, '', 'example.org/x', 'invalid-argument'],
  ['of an address that may not be reached', {}, '', '10.0.0.1', 'access-denied'],
] as const)
  lookup(`a name ${what} is ${code}`, async () => {
    const resolver = () =>
      failure === ''
        ? Promise.reject(new Error('asked'))
        : Promise.reject(Object.assign(new Error(), { code: failure }));
    const stream = openSockets(grant, { resolver }).lookUp(name);
    assert.is(await finished(stream, () => thrown(() => stream.resolveNextAddress())), code);
  });

for (const name of ['', 'x'.repeat(2000)])
  lookup(`a name of ${name.length} bytes is no argument`, () => {
    const { lookUp, outside } = openSockets();
    assert.is(
      thrown(() => lookUp(name)),
      'invalid-argument',
    );
    assert.equal(outside.asked, []);
  });

lookup('a name of the grant may be looked up and then be connected to, on its port alone', async () => {
  const resolver = async () => ['127.0.0.9'];
  const { lookUp, createTcpSocket } = openSockets({ lookup: false, tcp: ['db.example:5432'], udp: [] }, { resolver });
  const tried = async (port: number) => {
    const socket = createTcpSocket('ipv4');
    socket.startConnect(null, v4(port, 127, 0, 0, 9));
    return finished(socket, () => thrown(() => socket.finishConnect()));
  };
  assert.is(await tried(5432), 'access-denied');
  const stream = lookUp('db.example');
  await finished(stream, () => all(stream));
  assert.equal([await tried(5432), await tried(5433)], ['connection-refused', 'access-denied']);
});

lookup('a lookup that is dropped, or ends with its invocation, is forgotten', async () => {
  const { lookUp, wasi, outside } = openSockets({}, { resolver: () => new Promise(() => {}) });
  const dropped = lookUp('one.example');
  lookUp('two.example');
  assert.is(outside.open, 2);
  dropped[Symbol.dispose]();
  assert.is(outside.open, 1);
  wasi.close();
  assert.is(outside.open, 0);
});

lookup.run();
