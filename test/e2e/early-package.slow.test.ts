import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { compressLayer } from '../../guest-sdk/build/compress-layer.ts';
import { contentOf, createClient } from '../../guest-sdk/client/index.ts';
import { type Deployment, parseName, writePackage } from '../../guest-sdk/protocol/index.ts';
import { ensureImageApart } from '../../runtime/image/index.ts';
import { guestBytes } from '../support/cloudlet-lab.ts';
import { HostLab } from '../support/host-lab.ts';
import { TEST_CACHE } from '../support/microvm-lab.ts';
import { SeededRandom } from '../support/random.ts';
import { ShapedLink } from '../support/shaped-link.ts';

const links = suite('a package over a link, into a real microVM');
const NAME = parseName('reader');
const letters = (seed: number): Uint8Array => new SeededRandom(seed).bytes(700_000).map((byte) => 0x30 + (byte & 63));
const FILES = [1, 2, 3, 4].map((seed) => [`data/${seed}`, letters(seed)] as const);

links('answers from a file that comes last in it, before the others are there', async () => {
  await ensureImageApart({ cacheDir: TEST_CACHE });
  const host = await HostLab.open('microvm');
  const link = await ShapedLink.open(Number(new URL(host.url).port), { bitsPerS: 500_000, roundTripMs: 20 });
  try {
    // The first machine is made for all functions.
    await host.publish('typed');
    const call = () =>
      host.ask('/v1/functions/typed/call/add', {
        ...{ method: 'POST', headers: { 'content-type': 'application/json' }, body: '[1, 2]' },
      });
    // It may have to be booted first, on a computer that does much else.
    let warm = await call();
    for (let tries = 0; warm.status === 503 && tries < 2; tries += 1) warm = await call();
    assert.is(await warm.text(), '3');

    const { pieces, digest } = await writePackage({
      ...{ component: await guestBytes('reader'), grant: { files: [{ path: '/data', from: 'data' }] } },
      ...{ files: FILES, compress: compressLayer },
    });
    const client = createClient({ url: `http://127.0.0.1:${link.port}`, token: host.token });
    const ready = Promise.withResolvers<Deployment>();
    const order: string[] = [];
    const pushing = (async () => {
      for await (const news of client.push(NAME, contentOf(Buffer.concat(pieces)), { digest, early: true })) {
        if (news.kind === 'event' && news.event.event === 'state' && news.event.data.stage === 'ready')
          ready.resolve(news.event.data);
        if (news.kind === 'ended') return news.deployment;
      }
      throw new Error('the push ended without its end');
    })();
    pushing.catch(ready.reject);
    const { bytesDone, bytesTotal, endedAt } = await ready.promise;
    assert.ok(endedAt === null && bytesDone < bytesTotal!, `${bytesDone} of ${bytesTotal} bytes were there`);
    // On the computer itself: the link is full.
    const reading = host
      .ask('/v1/functions/reader/run?arg=read&arg=/data/4', { method: 'POST' })
      .then((answer) => answer.text());
    await Promise.all([
      reading.then((text) => {
        order.push('answer');
        assert.is(text, `/data/4: ${Buffer.from(FILES[3]![1]).toString()}\n`);
      }),
      pushing.then(({ stage, problem }) => {
        order.push('end');
        assert.is(stage, 'complete', problem?.detail);
      }),
    ]);
    assert.equal(order, ['answer', 'end']);
    const all = await host.ask('/v1/functions/reader/run?arg=read&arg=/data/1&arg=read&arg=/data/2', {
      method: 'POST',
    });
    assert.is(
      await all.text(),
      [1, 2].map((at) => `/data/${at}: ${Buffer.from(FILES[at - 1]![1]).toString()}\n`).join(''),
    );
  } finally {
    await link.close();
    await host.close();
  }
});

links.run();
