import { randomBytes } from 'node:crypto';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { discover, type LocalNetwork, localNetworks, openLink } from '../../../guest-sdk/client/mdns.ts';
import type { AdvertisedFacts } from '../../../guest-sdk/protocol/index.ts';
import { type Advertising, advertise } from '../../../host/discovery/index.ts';

const advertising = suite('advertising on loopback');

const LOOPBACK = localNetworks().filter(({ address }) => address.startsWith('127.'));

/** Facts of a cloudlet that no other test has: all hear each other. */
function someFacts(): AdvertisedFacts {
  const id = `cl-${randomBytes(4).toString('hex')}`;
  return { id, version: '0.1.0', path: '/v1', publicKey: null, tls: false, auth: 'token' };
}

/** Advertises and waits until the name was found free and announced. */
function announced(facts: AdvertisedFacts, name: string, port: number): Promise<Advertising> {
  return new Promise((resolve, reject) => {
    const running = advertise({
      ...{ facts, name, port, bind: '127.0.0.1' },
      onTrouble: (sentence) => reject(new Error(sentence)),
      onAnnounced: () => setImmediate(() => resolve(running)),
    });
  });
}

async function found(id: string): ReturnType<typeof discover> {
  const enough = new AbortController();
  const all = await discover({
    networks: LOOPBACK,
    timeoutMs: 5000,
    signal: enough.signal,
    onFound: (cloudlet) => {
      if (cloudlet.facts.id === id) enough.abort();
    },
  });
  return all.filter((cloudlet) => cloudlet.facts.id === id);
}

advertising('a program on the same machine finds the host, with its facts and address', async () => {
  const facts = someFacts();
  const host = await announced(facts, 'Ada’s laptop', 8123);
  try {
    assert.equal(await found(facts.id), [
      {
        name: 'Ada’s laptop',
        facts,
        host: `${facts.id}.local`,
        port: 8123,
        addresses: ['127.0.0.1'],
        url: 'http://127.0.0.1:8123',
      },
    ]);
  } finally {
    await host.close();
  }
});

advertising('a closed host says goodbye and is not found any more', async () => {
  const facts = someFacts();
  const heard = Promise.withResolvers<unknown>();
  const link = await openLink(LOOPBACK[0] as LocalNetwork, {
    response: ({ answers = [] }) => {
      const taken = answers.find(
        ({ type, data, ttl }) => type === 'PTR' && ttl === 0 && String(data).startsWith(facts.id),
      );
      if (taken !== undefined) heard.resolve(taken.ttl);
    },
  });
  const host = await announced(facts, facts.id, 8123);
  await host.close();
  await host.close();
  assert.is(await heard.promise, 0);
  await link.close();
  assert.equal(
    await discover({ networks: LOOPBACK, timeoutMs: 300 }).then((all) =>
      all.filter((each) => each.facts.id === facts.id),
    ),
    [],
  );
});

advertising('the second host of a name adds its id', async () => {
  const [first, second] = [someFacts(), someFacts()];
  const name = `Kitchen ${first.id}`;
  const one = await announced(first, name, 8001);
  const two = await announced(second, name, 8002);
  try {
    assert.is(one.name, name);
    assert.is(two.name, `${name} (${second.id})`);
    assert.is((await found(second.id))[0]?.name, `${name} (${second.id})`);
    assert.is((await found(first.id))[0]?.name, name);
  } finally {
    await one.close();
    await two.close();
  }
});

advertising('a network without multicast is one sentence of trouble, and closing works', async () => {
  const trouble: string[] = [];
  const told = Promise.withResolvers<void>();
  const host = advertise({
    ...{ facts: someFacts(), name: 'x', port: 1, bind: '0.0.0.0' },
    networks: () => [{ interface: 'gone0', address: '203.0.113.77', netmask: '255.255.255.0' }],
    onTrouble: (sentence) => {
      trouble.push(sentence);
      told.resolve();
    },
  });
  await told.promise;
  await host.close();
  assert.is(trouble.length, 1);
  assert.match(trouble[0]!, /multicast DNS does not work on gone0 \(203\.0\.113\.77\): .*by its address only/);
});

advertising('a host without an IPv4 address is one sentence of trouble', async () => {
  const trouble: string[] = [];
  const host = advertise({
    ...{ facts: someFacts(), name: 'x', port: 1, bind: '::1' },
    onTrouble: (sentence) => trouble.push(sentence),
  });
  await host.close();
  assert.match(trouble.join(), /expected an IPv4 network at ::1/);
});

advertising.run();
