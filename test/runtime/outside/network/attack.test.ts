import { connect } from 'node:net';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { addressPolicy } from '../../../../runtime/outside/network/address-policy.ts';
import type { NetworkWorld } from '../../../../runtime/outside/network/network.ts';
import { systemNetworks } from '../../../../runtime/outside/network/own-networks.ts';
import { fetchWhole, httpSend, openTestNetwork, refusalOf, startServer } from './network-lab.ts';

const attack = suite('attacks on the network');

/** A world in which each connection is noted, and made to a server on loopback whatever its address. */
function world(answers: readonly (readonly string[])[], refused: readonly string[] = []) {
  const reached: string[] = [];
  let asked = 0;
  const made: NetworkWorld = {
    resolver: async () => answers[Math.min(asked++, answers.length - 1)]!,
    connector: (address) => {
      reached.push(address);
      if (refused.includes(address)) return Promise.reject(Object.assign(new Error('no'), { code: 'ECONNREFUSED' }));
      return new Promise((resolve) => {
        const socket = connect(current.port, '127.0.0.1', () => resolve(socket));
        socket.on('error', () => {});
      });
    },
  };
  return { reached, made, asked: () => asked };
}

const HOME = { address: '2a02:8109:1:2::1', cidr: '2a02:8109:1:2::1/64' };
const TUNNEL = { address: '203.1.115.1', cidr: '203.1.115.1/0' };

const current = { port: 0, close: async () => {} };

attack.before(async () => {
  const { port, close } = await startServer((_, response) =>
    response.writeHead(200, { Connection: 'close' }).end('ok'),
  );
  Object.assign(current, { port, close });
});
attack.after(() => current.close());

attack('a name that points to this computer the second time is reached only the first time', async () => {
  const { made, reached, asked } = world([['8.8.8.8'], ['127.0.0.1'], ['169.254.169.254']]);
  const network = openTestNetwork({ allowedRanges: [] }, made);
  const args = httpSend({ authority: 'rebind.example' });
  assert.is((await fetchWhole(network, args)).text, 'ok');
  assert.is(await refusalOf(fetchWhole(network, args)), 'destination-IP-prohibited');
  assert.is(await refusalOf(fetchWhole(network, args)), 'destination-IP-prohibited');
  // One answer for one connection: there is no second look between check and use.
  assert.equal([reached, asked()], [['8.8.8.8'], 3]);
  network.close();
});

for (const authority of [
  '127.0.0.1',
  '127.1',
  '2130706433',
  '0x7f000001',
  '0177.0.0.1',
  '0',
  '[::1]',
  '[::]',
  '[::ffff:127.0.0.1]',
  '[::ffff:169.254.169.254]',
  '[0:0:0:0:0:ffff:a9fe:a9fe]',
  '[64:ff9b::a9fe:a9fe]',
  '[2002:7f00:1::]',
  '[fe80::1]',
  '[fd00:ec2::254]',
  '169.254.169.254',
  '169.254.169.254.',
  '2852039166',
  '10.0.0.1',
  '192.168.1.1',
  '100.64.0.1',
  '224.0.0.1',
  '255.255.255.255',
  '１２７.0.0.1',
  '127。0。0。1',
])
  attack(`http://${authority}/ is not reached, though any host is granted`, async () => {
    const { made, reached, asked } = world([['8.8.8.8']]);
    const network = openTestNetwork({ allowedRanges: [] }, made);
    assert.is(await refusalOf(fetchWhole(network, httpSend({ authority }))), 'destination-IP-prohibited');
    assert.equal([reached, asked()], [[], 0]);
  });

attack('a dot at the end of a name changes neither the grant nor the check', async () => {
  const { made, reached } = world([['127.0.0.1']]);
  const network = openTestNetwork({ allowedHosts: ['api.example'], allowedRanges: [] }, made);
  assert.is(await refusalOf(fetchWhole(network, httpSend({ authority: 'api.example.' }))), 'destination-IP-prohibited');
  assert.is(
    await refusalOf(fetchWhole(network, httpSend({ authority: 'api.example.evil.example.' }))),
    'HTTP-request-denied',
  );
  assert.equal(reached, []);
});

for (const [what, authority, answers] of [
  ['its own public address', '203.1.113.7', []],
  ['a neighbour in its network', '[2a02:8109:1:2::99]', []],
  ['a name of its own address', 'home.example', ['2a02:8109:1:2::1', '::ffff:203.1.113.7', '64:ff9b::cb01:7107']],
] as const)
  attack(`${what} is not public to this computer`, async () => {
    const { made, reached } = world([answers]);
    const interfaces = { eth0: [{ address: '203.1.113.7', cidr: '203.1.113.7/24' }, HOME], wg0: [TUNNEL] };
    const own = { ...made, ownNetworks: systemNetworks(() => interfaces) };
    const args = httpSend({ authority });
    const closed = openTestNetwork({ allowedRanges: [] }, own);
    assert.is(await refusalOf(fetchWhole(closed, args)), 'destination-IP-prohibited');
    assert.equal(reached, []);
    const named = openTestNetwork({ allowedRanges: ['203.1.113.7/32', '2a02:8109:1:2::/64'] }, own);
    assert.is((await fetchWhole(named, args)).text, 'ok');
    // Beyond its networks all is as ever, also where a tunnel takes everything.
    assert.is((await fetchWhole(closed, httpSend({ authority: '203.1.114.7' }))).text, 'ok');
    closed.close();
    named.close();
  });

attack('networks of this computer are looked at again', () => {
  let nowMs = 0;
  let address = '8.8.8.8';
  const own = systemNetworks(
    () => ({ eth0: [{ address, cidr: null }] }),
    () => nowMs,
  );
  const allows = addressPolicy([], own);
  const seen = () => [allows(Uint8Array.of(8, 8, 8, 8)), allows(Uint8Array.of(9, 9, 9, 9))];
  assert.equal(seen(), [false, true]);
  address = '9.9.9.9';
  assert.equal(seen(), [false, true]);
  nowMs = 5_000;
  assert.equal(seen(), [true, false]);
});

attack('of several addresses only the allowed ones are tried', async () => {
  const { made, reached } = world(
    [['::1', '10.0.0.1', '2606:4700::1', '169.254.169.254', '1.1.1.1']],
    ['2606:4700::1'],
  );
  const network = openTestNetwork({ allowedRanges: [] }, made);
  assert.is((await fetchWhole(network, httpSend({ authority: 'mixed.example' }))).text, 'ok');
  assert.equal(reached, ['2606:4700::1', '1.1.1.1']);
  network.close();
});

attack('ten thousand addresses are not ten thousand attempts', async () => {
  const many = Array.from({ length: 10_000 }, (_, at) => `8.8.${at >> 8}.${at & 255}`);
  const { made, reached } = world([many], many);
  const network = openTestNetwork({ allowedRanges: [] }, made);
  assert.is(await refusalOf(fetchWhole(network, httpSend({ authority: 'many.example' }))), 'connection-refused');
  assert.equal(reached, many.slice(0, 4));
  assert.is(network.connections, 0);
});

attack('a bad address does not hide behind sixteen good ones', async () => {
  const { made, reached } = world([[...new Array<string>(16).fill('10.0.0.1'), '8.8.8.8']]);
  const network = openTestNetwork({ allowedRanges: [] }, made);
  assert.is(await refusalOf(fetchWhole(network, httpSend({ authority: 'late.example' }))), 'destination-IP-prohibited');
  assert.equal(reached, []);
});

for (const [what, answer, code] of [
  ['no address', [], 'DNS-error'],
  ['what is no address', ['localhost', 'fe80::1%eth0', '127.1', ''], 'DNS-error'],
] as const)
  attack(`a resolver that gives ${what} is ${code}`, async () => {
    const network = openTestNetwork({}, world([answer]).made);
    assert.is(await refusalOf(fetchWhole(network, httpSend({ authority: 'odd.example' }))), code);
  });

attack('a resolver that fails, or never answers, is told as such', async () => {
  const failing = openTestNetwork(
    {},
    { resolver: () => Promise.reject(Object.assign(new Error('x'), { code: 'ENOTFOUND' })) },
  );
  assert.is(await refusalOf(fetchWhole(failing, httpSend({ authority: 'none.example' }))), 'DNS-error');
  const silent = openTestNetwork({ http: { connectMs: 10 } }, { resolver: () => new Promise(() => {}) });
  assert.is(await refusalOf(fetchWhole(silent, httpSend({ authority: 'silent.example' }))), 'connection-timeout');
  assert.equal([failing.connections, silent.connections], [0, 0]);
});

attack.run();
