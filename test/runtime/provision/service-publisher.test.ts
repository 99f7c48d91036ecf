import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
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
import { imageDigest } from '../../support/fake-vm.ts';
import { refused } from '../../support/refusal.ts';
import { labPublishers } from '../../support/service-hall-lab.ts';

const publishers = suite('whose a service is');

const WEB = parseName('web');
const RECIPE = { script: 'true', service: { run: 'serve', port: 80, limits: { cpus: 0.5 } } };
const WISH: Wish = { want: { service: WEB }, have: null, dictionary: null };
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
  const letGo = ann.settle();
  assert.is(pins.get(WEB), ANN);
  for (const late of [bob, nobody])
    await refused(() => late.settle(), 'signature-invalid', new RegExp(`by the key ${ANN}, which it belongs to`));
  await refused(() => all.admit(WEB, []), 'signature-invalid', /publisher forget web/);
  all.admit(WEB, [ANN]).settle()();
  assert.is(pins.get(WEB), ANN, 'a later one takes back nothing of the first');
  letGo();
  assert.is(pins.size, 0);
  nobody.settle();
  assert.is(pins.size, 0);
});

publishers.run();
