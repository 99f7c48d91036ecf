import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  digestOfHex,
  documentSigners,
  fingerprintOf,
  newPublisherKey,
  publicPartOf,
} from '../../../../guest-sdk/protocol/index.ts';
import { openOverlayFile, writeOverlayFile } from '../../../../runtime/provision/overlay/overlay-file.ts';
import { overlayManifestText } from '../../../../runtime/provision/overlay/overlay-manifest.ts';
import { signOverlayFile } from '../../../../runtime/provision/overlay/sign-overlay.ts';
import { LAB_CONDITIONS } from '../../../support/overlay-lab.ts';
import { refused } from '../../../support/refusal.ts';

const STATE = Buffer.from('the state of the devices');
const digest = digestOfHex(createHash('sha256').update(STATE).digest('hex'));
const MANIFEST = {
  ...{ format: 1, base: digest, about: 'a test', conditions: LAB_CONDITIONS, diskBytes: 8 * 2 ** 20 },
  service: {
    ...{ run: 'serve', port: 80, protocol: 'http', readyMs: 60_000, outbound: [] },
    probe: { path: '/' },
    limits: { diskMib: 1024, cpus: 0.5, leaseS: 600, connections: 128 },
  },
  segments: [{ kind: 'state', digest, bytes: STATE.length, expandedBytes: STATE.length }],
} as const;

const signing = suite<{ folder: string; path: string }>('a signature of an overlay file');
signing.before.each(async (context) => {
  context.folder = await mkdtemp(join(tmpdir(), 'sign-overlay-'));
  context.path = join(context.folder, 'a.overlay');
  const segments = join(context.folder, 'segments');
  await writeFile(segments, STATE);
  await writeOverlayFile(context.path, overlayManifestText(MANIFEST as never), segments);
});
signing.after.each(({ folder }) => rm(folder, { recursive: true }));

async function look(path: string) {
  const file = await openOverlayFile(path);
  const { overlay } = file;
  const found = {
    name: overlay.digest,
    segment: Buffer.from(await file.get(digest)).toString(),
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
  assert.equal((await readdir(folder)).sort(), ['a.overlay', 'b.overlay', 'segments']);
});

signing('is not written over a file that is there, nor of an overlay with a false one', async ({ folder, path }) => {
  const key = await newPublisherKey();
  await refused(() => signOverlayFile(path, key, { output: path }), 'conflict', /a file that is not there yet/);
  await signOverlayFile(path, key);
  const forged = join(folder, 'forged.overlay');
  await writeFile(forged, (await readFile(path, 'latin1')).replace('a test', 'A TEST'), 'latin1');
  const other = await newPublisherKey();
  await refused(() => signOverlayFile(forged, other), 'signature-invalid', /of exactly this overlay/);
  assert.equal((await readdir(folder)).sort(), ['a.overlay', 'forged.overlay', 'segments']);
});

signing.run();
