import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Digest, parseDeploymentRequest } from '../../../../guest-sdk/protocol/index.ts';
import type { Offer, Rung } from '../../../../runtime/provision/deployment/rung.ts';
import { type Wish, wishOf } from '../../../../runtime/provision/deployment/wish.ts';
import { recipeRungs } from '../../../../runtime/provision/recipe/recipe-rungs.ts';
import { RecipeLab, SERVICE } from '../../../support/recipe-lab.ts';
import { refused } from '../../../support/refusal.ts';
import { labPublishers, ServiceHallLab } from '../../../support/service-hall-lab.ts';

const PART = { digest: `sha256:${'1'.repeat(64)}` as Digest, bytes: 3 };
const signal = new AbortController().signal;

const rungs = suite<{
  lab: RecipeLab;
  served: string[];
  running: Rung<Wish>;
  cached: Rung<Wish>;
  onDemand: Rung<Wish>;
}>('the ways to a service by its recipe');

rungs.before.each((context) => {
  context.lab = new RecipeLab();
  const hall = new ServiceHallLab();
  context.served = hall.started;
  const made = recipeRungs({ recipes: context.lab.recipes, services: hall, publishers: labPublishers() });
  context.running = made.find(({ name }) => name === 'running')!;
  context.cached = made.find(({ name }) => name === 'cached')!;
  context.onDemand = made.find(({ name }) => name === 'on-demand')!;
});
rungs.after.each(({ lab }) => lab.close());

function wish(want: unknown, have?: unknown): Wish {
  const request = parseDeploymentRequest({ want, ...(have === undefined ? {} : { have }) });
  if ('store' in request.want) throw new Error('no entry of the store is wished here');
  return wishOf(request.want, request);
}

const RECIPE = { service: SERVICE, files: [{ path: '/a', parts: [PART] }] };

function offered(offer: Offer | { readonly why: string } | null): Offer {
  if (offer === null || 'why' in offer) throw new Error(`expected an offer, got ${JSON.stringify(offer)}`);
  return offer;
}

rungs('are not for functions, nor for services without a recipe', async ({ running, cached, onDemand }) => {
  for (const want of [{ function: 'a' }, { service: 'a' }]) {
    for (const rung of [running, cached, onDemand]) assert.is(await rung.offer(wish(want), signal), null);
  }
});

rungs(
  'on-demand asks for the parts of the files, makes the image and starts it; then it is cached',
  async (context) => {
    const { lab, served, running, cached, onDemand } = context;
    lab.parts.set(PART.digest, Buffer.from('one'));
    const wanted = wish({ service: 'web', recipe: RECIPE });
    assert.is(await running.offer(wanted, signal), null);
    assert.match(JSON.stringify(await cached.offer(wanted, signal)), /was not made here/);
    const offer = offered(await onDemand.offer(wanted, signal));
    assert.equal(offer.missing, [PART]);
    const { kind, name, address, digest } = await offer.provision(lab.context());
    assert.equal([kind, name, address, served], ['service', 'web', '/s/web/', [`web ${digest}`]]);

    lab.ran.length = 0;
    const again = offered(await cached.offer(wanted, signal));
    assert.equal(again.missing, []);
    assert.is((await again.provision(lab.context())).digest, digest);
    assert.equal([lab.ran.length, served.length], [0, 2]);
  },
);

for (const [what, want, have, why] of [
  [
    'the base is not here',
    { service: 'web', recipe: { service: SERVICE, base: `sha256:${'c'.repeat(64)}` } },
    undefined,
    /no base/,
  ],
  ['the device does not have a part', { service: 'web', recipe: RECIPE }, [], /does not have the part/],
] as const) {
  rungs(`say why when ${what}`, async ({ onDemand }) => {
    assert.match(((await onDemand.offer(wish(want, have), signal)) as { why: string }).why, why);
  });
}

rungs('refuse a recipe that is none', async ({ cached }) => {
  await cached.offer(wish({ service: 'web', recipe: { packages: [] } }), signal).then(
    () => assert.unreachable(),
    (error: { code: string }) => assert.is(error.code, 'recipe-invalid'),
  );
});

rungs('one that its policy does not take is refused before a base is asked for', async ({ lab }) => {
  const parts = { recipes: lab.recipes, services: new ServiceHallLab(), publishers: labPublishers('pinned') };
  const onDemand = recipeRungs(parts).find(({ name }) => name === 'on-demand')!;
  const elsewhere = { ...RECIPE, base: `sha256:${'9'.repeat(64)}` };
  for (const recipe of [RECIPE, elsewhere])
    await refused(
      () => onDemand.offer(wish({ service: 'web', recipe }), signal),
      'signature-invalid',
      /got no signature/,
    );
});

rungs.run();
