import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { discardSink, emptySource } from '../../../../runtime/wasi/index.ts';
import { openTestNetwork, refusalOf } from './network-lab.ts';

const sockets = suite('services of sockets');

const GRANT = { tcp: ['*:*'], udp: ['*:*'], lookup: true, listen: true };

/** Asks a service as an agent that may be hostile. */
function asker(given: Parameters<typeof openTestNetwork>[0] = {}) {
  const network = openTestNetwork({ sockets: GRANT, ...given });
  const controller = new AbortController();
  const ask = (service: string, args: unknown) =>
    network.services[service]!({ args, source: emptySource, sink: discardSink, signal: controller.signal });
  return { network, ask, controller };
}

const loopback = (port: number) => ({ address: Uint8Array.of(127, 0, 0, 1), port });

sockets('there are none without a grant of sockets', () => {
  assert.equal(Object.keys(openTestNetwork().services), ['http.send']);
  assert.equal(Object.keys(openTestNetwork({ sockets: GRANT, allowedHosts: [] }).services).sort(), [
    'dns.resolve',
    'tcp.accept',
    'tcp.bind',
    'tcp.connect',
    'tcp.listen',
    'udp.bind',
  ]);
});

for (const [service, args] of [
  ['tcp.connect', null],
  ['tcp.connect', {}],
  ['tcp.connect', { remote: { address: [127, 0, 0, 1], port: 1 } }],
  ['tcp.connect', { remote: { address: new Uint8Array(5), port: 1 } }],
  ['tcp.connect', { remote: { address: new Uint8Array(4), port: 65_536 } }],
  ['tcp.connect', { remote: { address: new Uint8Array(4), port: 1.5 } }],
  ['tcp.connect', { remote: loopback(1), binding: 7 }],
  ['tcp.bind', { local: 'localhost' }],
  ['tcp.listen', { binding: 1, backlog: 1 }],
  ['tcp.accept', 'x'],
  ['udp.bind', { local: { port: 1 } }],
  ['dns.resolve', { name: 5 }],
  ['dns.resolve', { name: '' }],
] as const)
  sockets(`${service} refuses ${JSON.stringify(args)}`, async () => {
    assert.is(await refusalOf(asker().ask(service, args)), 'invalid-argument');
  });

sockets('a binding is used by its name alone, and only while it is there', async () => {
  const { ask, controller, network } = asker();
  const { value } = await ask('tcp.bind', { local: loopback(0) });
  const { binding } = value as { readonly binding: string };
  assert.match(binding, /^[0-9a-f]{32}$/);
  for (const guessed of [
    '',
    '0',
    binding.slice(1),
    binding.toUpperCase() === binding ? 'x' : binding.toUpperCase(),
    '__proto__',
  ])
    assert.is(await refusalOf(ask('tcp.listen', { binding: guessed, backlog: 1 })), 'invalid-state');
  assert.is(await refusalOf(ask('tcp.accept', { binding })), 'invalid-state');
  assert.is(await refusalOf(ask('tcp.listen', { binding, backlog: 0 })), 'invalid-argument');
  assert.equal(await ask('tcp.listen', { binding, backlog: 1e9 }), { value: null });
  const accepted = ask('tcp.accept', { binding });
  controller.abort();
  assert.is(await refusalOf(accepted), 'connection-aborted');
  const after = asker();
  assert.is(await refusalOf(after.ask('tcp.listen', { binding, backlog: 1 })), 'invalid-state');
  network.close();
});

for (const service of ['tcp.bind', 'udp.bind'])
  sockets(`${service} gives no address of another, nor any without the grant`, async () => {
    const denied = asker({ sockets: { ...GRANT, listen: false } });
    assert.is(await refusalOf(denied.ask(service, { local: loopback(0) })), 'access-denied');
    const { ask, controller } = asker();
    for (const address of [Uint8Array.of(192, 0, 2, 1), Uint8Array.of(10, 0, 0, 1)])
      assert.is(await refusalOf(ask(service, { local: { address, port: 0 } })), 'address-not-bindable');
    controller.abort();
  });

sockets('bindings and sockets of UDP are bounded like connections', async () => {
  const { ask, controller, network } = asker({ connections: 3 });
  for (let bound = 0; bound < 3; bound++) await ask('tcp.bind', { local: loopback(0) });
  assert.is(await refusalOf(ask('tcp.bind', { local: loopback(0) })), 'new-socket-limit');
  const ends = [];
  for (let bound = 0; bound < 3; bound++) ends.push((await ask('udp.bind', { local: loopback(0) })).end);
  assert.is(network.connections, 3);
  assert.is(await refusalOf(ask('udp.bind', { local: loopback(0) })), 'new-socket-limit');
  controller.abort();
  await Promise.all(ends);
  while (network.connections > 0) await new Promise((resolve) => setImmediate(resolve));
});

sockets('a policy that cannot be read is told at once', () => {
  for (const policy of [
    { allowedHosts: ['a b'] },
    { allowedRanges: ['10/8'] },
    { sockets: { ...GRANT, tcp: ['x:y'] } },
  ])
    assert.throws(() => openTestNetwork(policy), /expected a (host|range)/);
});

sockets.run();
