import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { documentSigners, fingerprintOf, newPublisherKey, publicPartOf } from '../../../../guest-sdk/protocol/index.ts';
import { openOverlayFile } from '../../../../runtime/provision/overlay/overlay-file.ts';
import { signOverlayFile } from '../../../../runtime/provision/overlay/sign-overlay.ts';
import { refused } from '../../../support/refusal.ts';
import { SMALL_SEGMENT, writeSmallOverlay } from '../../../support/small-overlay.ts';

const signing = suite<{ folder: string; path: string }>('a signature of an overlay file');
signing.before.each(async (context) => {
  context.folder = await mkdtemp(join(tmpdir(), 'sign-overlay-'));
  context.path = join(context.folder, 'a.overlay');
  await writeSmallOverlay(context.path);
});
signing.after.each(({ folder }) => rm(folder, { recursive: true }));

async function look(path: string) {
  const file = await openOverlayFile(path);
  const { overlay } = file;
  const found = {
    name: overlay.digest,
    segment: Buffer.from(await file.get(SMALL_SEGMENT)).toString(),
    signers: await documentSigners(overlay.signed),
  };
  await file.close();
  return found;
}

signing('is added in its place or beside it, and changes neither digest nor segments', async ({ folder, path }) => {
  const before = await look(path);
  assert.equal(before.signers, []);
  const keys = [await newPublisherKey(), await newPublisherKey()] as const;
  const [ann, bob] = keys.map((key) => fingerprintOf(publicPartOf(key)));
  const output = join(folder, 'b.overlay');
  assert.is((await signOverlayFile(path, keys[0], { output })).digest, before.name);
  await signOverlayFile(output, keys[1]);
  await signOverlayFile(output, keys[0]);
  assert.equal(await look(output), { ...before, signers: [bob, ann] });
  assert.equal(await look(path), before);
  assert.equal((await readdir(folder)).sort(), ['a.overlay', 'b.overlay']);
});

signing('is not written over a file that is there, nor of an overlay with a false one', async ({ folder, path }) => {
  const key = await newPublisherKey();
  await refused(() => signOverlayFile(path, key, { output: path }), 'conflict', /a file that is not there yet/);
  await signOverlayFile(path, key);
  const forged = join(folder, 'forged.overlay');
  await writeFile(forged, (await readFile(path, 'latin1')).replace('a test', 'A TEST'), 'latin1');
  const other = await newPublisherKey();
  await refused(() => signOverlayFile(forged, other), 'signature-invalid', /of exactly this overlay/);
  assert.equal((await readdir(folder)).sort(), ['a.overlay', 'forged.overlay']);
});

signing.run();
