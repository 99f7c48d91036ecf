import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Digest, type FunctionName, parseDeploymentRequest } from '../../../../../guest-sdk/protocol/index.ts';
import type { Offer, Rung, RungProgress } from '../../../../../runtime/provision/deployment/rung.ts';
import { knownServiceRungs } from '../../../../../runtime/provision/deployment/service/known-service.ts';
import { type Wish, wishOf } from '../../../../../runtime/provision/deployment/wish.ts';
import type { VmImage } from '../../../../../runtime/vm/image/vm-image.ts';
import { labPublishers, ServiceHallLab } from '../../../../support/service-hall-lab.ts';

const [FIRST, SECOND, BASE] = ['1', '2', 'b'].map((digit) => `sha256:${digit.repeat(64)}`) as [Digest, Digest, Digest];
const SPEC = { run: 'serve', port: 80 };
const WEB = 'web' as FunctionName;
const signal = new AbortController().signal;

const known = suite<{ hall: ServiceHallLab; running: Rung<Wish>; cached: Rung<Wish> }>('the ways to a known service');

known.before.each((context) => {
  context.hall = new ServiceHallLab();
  const images = new Map<string, unknown>([FIRST, SECOND].map((digest) => [digest, { digest, service: SPEC }]));
  images.set(BASE, { digest: BASE, service: null });
  const findImage = async (digest: Digest) => (images.get(digest) as VmImage | undefined) ?? null;
  const rungs = knownServiceRungs({ services: context.hall, publishers: labPublishers(), findImage });
  [context.running, context.cached] = rungs as [Rung<Wish>, Rung<Wish>];
});

function wish(want: object): Wish {
  const request = parseDeploymentRequest({ want });
  if ('store' in request.want) throw new Error('no entry of the store is wished here');
  return wishOf(request.want, request);
}

async function provision(offer: Offer | { readonly why: string } | null): Promise<string[]> {
  if (offer === null || 'why' in offer) throw new Error(`expected an offer, got ${JSON.stringify(offer)}`);
  const told: string[] = [];
  const report = ({ stage, digest }: RungProgress) => void told.push(`${stage} ${digest?.slice(7, 8)}`);
  const { digest, address } = await offer.provision({
    signal,
    report,
    parts: { get: () => Promise.reject(new Error()) },
  });
  return [...told, `${address} ${digest.slice(7, 8)}`];
}

known('by its name: cached, then running', async ({ hall, running, cached }) => {
  const wanted = wish({ service: 'web' });
  assert.equal(await cached.offer(wanted, signal), { why: 'there is no service of this name' });
  hall.put(WEB, FIRST, SPEC);
  assert.is(await running.offer(wanted, signal), null);
  assert.equal(await provision(await cached.offer(wanted, signal)), ['starting 1', '/s/web/ 1']);
  assert.equal(await provision(await running.offer(wanted, signal)), ['starting 1', '/s/web/ 1']);
});

known('by an image that is here, which then is what the name has', async ({ hall, running, cached }) => {
  hall.put(WEB, FIRST, SPEC);
  const wanted = wish({ service: 'web', image: SECOND });
  assert.is(await running.offer(wanted, signal), null);
  assert.equal(await provision(await cached.offer(wanted, signal)), ['starting 2', '/s/web/ 2']);
  assert.is(hall.list()[0]?.image, SECOND);
});

known('whose server does not answer changes nothing', async ({ hall, cached }) => {
  hall.deaf.add(SECOND);
  for (const before of [[], [[WEB, FIRST]]] as const) {
    for (const [name, image] of before) hall.put(name, image, SPEC);
    const offer = await cached.offer(wish({ service: 'web', image: SECOND }), signal);
    await provision(offer).then(
      () => assert.unreachable(),
      (error: { code: string }) => assert.is(error.code, 'not-ready'),
    );
    assert.equal(
      hall.list().map(({ image }) => image),
      before.map(([, image]) => image),
    );
  }
});

for (const [what, image] of [
  ['that is not here', `sha256:${'9'.repeat(64)}`],
  ['of a base', BASE],
] as const) {
  known(`by an image ${what}: no`, async ({ cached }) => {
    assert.match(JSON.stringify(await cached.offer(wish({ service: 'web', image }), signal)), /no saved service/);
  });
}

known('of two at once for one name the one that fails takes nothing from the other', async ({ hall, cached }) => {
  const gate = Promise.withResolvers<void>();
  hall.gate = gate.promise;
  hall.deaf.add(FIRST);
  const both = [FIRST, SECOND].map(async (image) =>
    provision(await cached.offer(wish({ service: 'web', image }), signal)),
  );
  const outcomes = Promise.allSettled(both);
  await new Promise(setImmediate);
  gate.resolve();
  assert.equal(
    (await outcomes).map(({ status }) => status),
    ['rejected', 'fulfilled'],
  );
  assert.is(hall.list()[0]?.image, SECOND);
});

known('one that fails leaves what a person gave the name meanwhile', async ({ hall, cached }) => {
  const gate = Promise.withResolvers<void>();
  hall.gate = gate.promise;
  hall.deaf.add(FIRST);
  const failing = cached.offer(wish({ service: 'web', image: FIRST }), signal).then(provision);
  const failed = failing.catch(({ code }: { code: string }) => code);
  await new Promise(setImmediate);
  hall.put(WEB, SECOND, SPEC);
  gate.resolve();
  assert.is(await failed, 'not-ready');
  assert.is(hall.list()[0]?.image, SECOND);
});

known('are not for functions, nor for what is made of a recipe or an overlay', async ({ running, cached }) => {
  for (const want of [{ function: 'web' }, { service: 'web', recipe: {} }, { service: 'web', overlay: {} }]) {
    for (const rung of [running, cached]) assert.is(await rung.offer(wish(want), signal), null);
  }
});

known.run();
