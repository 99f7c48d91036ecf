import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { PartSender } from '../../../../guest-sdk/client/deploy/part-sender.ts';
import { connect } from '../../../../guest-sdk/client/request.ts';
import { type Digest, digestOfHex } from '../../../../guest-sdk/protocol/index.ts';

const senders = suite('a sender of parts');

/** Sends parts of these lengths to a host that takes each when all that can come have; gives how many were on their way at once at most. */
async function most(lengths: readonly number[]): Promise<number> {
  const parts = lengths.map((bytes, at) => ({ digest: digestOfHex(at.toString(16).padStart(64, '0')), bytes }));
  const wanted = new Set<Digest>(parts.map(({ digest }) => digest));
  let flying = 0;
  let high = 0;
  const host = connect('http://cloudlet.test', undefined, async ({ method, url }) => {
    if (method === 'PUT') {
      flying += 1;
      high = Math.max(high, flying);
      for (let turn = 0; turn < 10; turn += 1) await new Promise(setImmediate);
      flying -= 1;
      wanted.delete(url.split('/').at(-1) as Digest);
    }
    const body = JSON.stringify({ wanted: [...wanted], missing: wanted.size });
    return {
      status: 200,
      header: () => null,
      trailer: () => null,
      body: (async function* () {
        yield new TextEncoder().encode(body);
      })(),
    };
  });
  const read = async (digest: Digest) => new Uint8Array(parts.find((each) => each.digest === digest)!.bytes);
  await new PartSender({
    ...{ host, path: '/v1/deployments/x/parts', held: { parts, read, isPacked: true } },
    ...{ signal: new AbortController().signal, wait: async () => undefined, sent: () => undefined },
  }).send();
  assert.is(wanted.size, 0);
  return high;
}

const MIB = 2 ** 20;
for (const [what, lengths, expected] of [
  ['short parts go four at once', Array(9).fill(1000), 4],
  ['of long ones two share the link: more would all be lost when it breaks', Array(6).fill(MIB), 2],
  ['the longest go one by one', Array(3).fill(4 * MIB), 1],
  ['a short one goes beside a long one', [MIB, 1000, MIB], 3],
] as const)
  senders(what, async () => {
    assert.is(await most(lengths), expected);
  });

senders.run();
