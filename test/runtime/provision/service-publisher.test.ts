import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  type Digest,
  fingerprintOf,
  newPublisherKey,
  parseName,
  parseRecipe,
  publicPartOf,
  recipeDocument,
  signRecipe,
} from '../../../guest-sdk/protocol/index.ts';
import type { Wish } from '../../../runtime/provision/deployment/wish.ts';
import { recipeKey } from '../../../runtime/provision/recipe/recipe-key.ts';
import type { PastService } from '../../../runtime/store/index.ts';
import { imageDigest } from '../../support/fake-vm.ts';
import { refused } from '../../support/refusal.ts';
import { labPublishers } from '../../support/service-hall-lab.ts';

const publishers = suite('whose a service is');

const WEB = parseName('web');
const RECIPE = { script: 'true', service: { run: 'serve', port: 80, limits: { cpus: 0.5 } } };
const WISH: Wish = { want: { service: WEB }, have: null, dictionary: null };
const IMAGE = imageDigest('a');
const keys = await Promise.all([newPublisherKey(), newPublisherKey()]);
const [ANN, BOB] = keys.map((key) => fingerprintOf(publicPartOf(key))) as [string, string];
const [byAnn, byBob] = await Promise.all(keys.map((key) => signRecipe(RECIPE, key)));

publishers('a recipe is the same whoever signed it, and a signature replaces the earlier one by its key', async () => {
  const twice = await signRecipe(await signRecipe(byAnn!, keys[1]!), keys[0]!);
  assert.is(parseRecipe(twice).signatures?.length, 2);
  const base = imageDigest('b');
  assert.is(recipeKey(parseRecipe(twice), base), recipeKey(parseRecipe(RECIPE), base));
});

for (const [policy, recipe, vouchedBy, made, publisher] of [
  ['anyone', RECIPE, undefined, [], null],
  ['anyone', byAnn, undefined, [], ANN],
  ['pinned', RECIPE, ANN, [], ANN],
  ['pinned', RECIPE, undefined, [ANN], ANN],
  [[BOB], byBob, ANN, [], BOB],
] as const)
  publishers(`${policy}: ${publisher === null ? 'nobody' : 'a key'} vouches, and it is taken`, async () => {
    const wish = vouchedBy === undefined ? WISH : { ...WISH, vouchedBy };
    const admitted = await labPublishers(policy).admitDocument(WEB, recipeDocument(recipe!), wish, made);
    assert.is(admitted.publisher, publisher);
  });

for (const [what, policy, recipe, sentence] of [
  [
    'one that nobody signed',
    'pinned',
    RECIPE,
    /expected "web" signed by its publisher.*got no signature.*deploy FILE --key FILE/,
  ],
  ['one by a key that is not listed', [ANN], byBob, /signed by one of the 1 keys that the policy/],
  ['one that was changed', 'anyone', { ...byAnn!, script: 'false' }, /a signature of exactly this recipe/],
  ['one with a signature that is none', 'anyone', { ...RECIPE, signatures: ['x'] }, /expected a detached JWS/],
] as const)
  publishers(`${what} is refused`, async () => {
    const asked = labPublishers(policy).admitDocument(WEB, recipeDocument(recipe!), WISH);
    await refused(() => asked, 'signature-invalid', sentence);
  });

publishers('a name is the key that first put something there, until what it put is taken back', async () => {
  const pins = new Map<string, string>();
  const all = labPublishers('anyone', pins);
  const [ann, bob, nobody] = [all.admit(WEB, [ANN]), all.admit(WEB, [BOB]), all.admit(WEB, [])];
  const letGo = ann.settle(IMAGE);
  assert.is(pins.get(WEB), ANN);
  for (const late of [bob, nobody])
    await refused(() => late.settle(IMAGE), 'signature-invalid', new RegExp(`by the key ${ANN}, which it belongs to`));
  await refused(() => all.admit(WEB, []), 'signature-invalid', /publisher forget web/);
  all.admit(WEB, [ANN]).settle(IMAGE)();
  assert.is(pins.get(WEB), ANN, 'a later one takes back nothing of the first');
  letGo();
  assert.is(pins.size, 0);
  nobody.settle(IMAGE);
  assert.is(pins.size, 0);
});

/** A name that is Ann's, with what it was, and the image that it has. */
function annsName() {
  const present: { image: Digest | undefined } = { image: undefined };
  const past = new Map<string, PastService>();
  const find = () => (present.image === undefined ? undefined : { image: present.image });
  const all = labPublishers('anyone', new Map(), { past, find });
  const admit = async (script: string) =>
    all.admitDocument(WEB, recipeDocument(await signRecipe({ ...RECIPE, script }, keys[0]!)), WISH);
  const serve = async (script: string, image: Digest) => {
    const takeBack = (await admit(script)).settle(image);
    present.image = image;
    return takeBack;
  };
  return { all, present, past, admit, serve };
}

publishers('what a service of a key was before does not come again by itself, what it is now does', async () => {
  const { admit, serve, present } = annsName();
  const [one, two] = [imageDigest('1'), imageDigest('2')];
  await serve('one', one);
  const late = await admit('two');
  await serve('two', two);
  const sentence = new RegExp(`"web" was not before.*of which it was ${one}.*publisher forget web`);
  await refused(() => admit('one'), 'conflict', sentence);
  await admit('two');
  await admit('three');
  present.image = one;
  await admit('one');
  await refused(() => late.settle(two), 'conflict', new RegExp(`of which it was ${two}`));
});

publishers('the packages of a recipe may be newer: it is what it came to last', async () => {
  const { admit, serve } = annsName();
  await serve('one', imageDigest('1'));
  await serve('one', imageDigest('2'));
  await admit('one');
});

publishers('what was taken back was never there, and under a name of nobody anything comes again', async () => {
  const { all, past, present, admit, serve } = annsName();
  await serve('one', imageDigest('1'));
  const takeBack = await serve('two', imageDigest('2'));
  takeBack();
  present.image = imageDigest('1');
  assert.is(past.size, 1);
  await admit('two');
  const nobodys = (script: string) => all.admitDocument(parseName('free'), recipeDocument({ ...RECIPE, script }), WISH);
  for (const script of ['one', 'two', 'one']) {
    present.image = imageDigest(script === 'one' ? '1' : '2');
    (await nobodys(script)).settle(present.image);
  }
});

publishers('an image that is here is gone back to by naming it', async () => {
  const { all, serve, present } = annsName();
  await serve('one', imageDigest('1'));
  await serve('two', imageDigest('2'));
  assert.is(all.admit(WEB, [], imageDigest('1')).publisher, ANN);
  assert.is(present.image, imageDigest('2'));
  await refused(() => all.admit(WEB, [], imageDigest('3')), 'signature-invalid', /got no signature/);
});

publishers.run();
