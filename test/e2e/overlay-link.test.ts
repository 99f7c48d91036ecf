import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { createClient, type DeployNews, type HeldParts } from '../../guest-sdk/client/index.ts';
import {
  type Deployment,
  type Digest,
  digestOfHex,
  fingerprintOf,
  hexOf,
  newPublisherKey,
  parseName,
  publicPartOf,
  signedBy,
} from '../../guest-sdk/protocol/index.ts';
import { type Listener, listen } from '../../host/listener.ts';
import { overlayOf } from '../../runtime/provision/overlay/create/overlay-of.ts';
import { type OverlayFile, openOverlayFile } from '../../runtime/provision/overlay/overlay-file.ts';
import {
  type OverlayManifest,
  overlayManifestText,
  readOverlayManifest,
} from '../../runtime/provision/overlay/overlay-manifest.ts';
import { decodeState, encodeState } from '../../runtime/provision/overlay/segment.ts';
import { restoreVm } from '../../runtime/vm/machine/restore-vm.ts';
import { AS_OWNER, TOKEN, testHost } from '../host/memory-engine.ts';
import { type CloudletLab, openLab } from '../support/cloudlet-lab.ts';
import { SeededRandom } from '../support/random.ts';
import { refused } from '../support/refusal.ts';
import { answering, SavedVms } from '../support/saved-vms.ts';
import { ShapedLink } from '../support/shaped-link.ts';

/** On the server's disk, and nobody reads it before it is asked for. */
const DATA_MIB = 5;
const SCRIPT = `mkdir -p /srv/www && echo hello > /srv/www/index.html && dd if=/dev/urandom of=/srv/www/data bs=1M count=${DATA_MIB} 2>/dev/null && sync`;
const SPEC = { run: 'exec httpd -f -p 127.0.0.1:8080 -h /srv/www', port: 8080 };
const NAME = parseName('web');

interface Context {
  vms: SavedVms;
  file: OverlayFile;
  lab: CloudletLab;
  listener: Listener;
}

const links = suite<Context>('an overlay of a real VM, over a link');

links.before(async (context) => {
  const vms = await SavedVms.open();
  context.vms = vms;
  const image = await vms.service(SCRIPT, SPEC);
  const path = join(vms.folder, 'overlay');
  await overlayOf({
    ...{ image, images: vms.store, about: 'a web server', path, level: 3, accelerator: vms.shape.accelerator },
    ...{ restore: restoreVm, probe: answering, signal: new AbortController().signal },
  });
  context.file = await openOverlayFile(path);
  context.lab = await openLab({ cacheDir: vms.folder });
  const { app } = testHost({ cloudlet: context.lab.cloudlet });
  context.listener = await listen('127.0.0.1', 0, (request, connection) => app.fetch(request, connection));
});
links.after.each(async ({ lab, vms, file }) => {
  const { services } = lab.cloudlet;
  for (const { name } of services.list()) await services.remove(parseName(name));
  const made = await vms.store.findMade('service', hexOf(file.overlay.digest));
  if (made !== null) await vms.store.remove(made.digest);
});
links.after(async ({ listener, lab, file, vms }) => {
  await listener?.close(0);
  await lab?.close();
  await file?.close();
  await vms?.close();
});

/** What the server answers, asked beside the link. */
const ask = ({ listener }: Context, path: string) =>
  fetch(`http://127.0.0.1:${listener.port}/s/${NAME}${path}`, { headers: AS_OWNER });

/** Deploys an overlay over a link; `seen` is told what happens. */
async function deploy(
  link: ShapedLink | Listener,
  manifest: object,
  parts: ReadonlyMap<Digest, number>,
  read: (digest: Digest) => Promise<Uint8Array>,
  seen: (news: DeployNews) => Promise<void> = async () => undefined,
): Promise<Deployment> {
  const client = createClient({ url: `http://127.0.0.1:${link.port}`, token: TOKEN });
  const held: HeldParts = { parts: [...parts].map(([digest, bytes]) => ({ digest, bytes })), read, isPacked: true };
  let end: Deployment | null = null;
  for await (const news of client.deploy({ want: { service: NAME, overlay: { ...manifest } } }, { held })) {
    await seen(news);
    if (news.kind === 'ended') end = news.deployment;
  }
  return end!;
}

const segmentsOf = ({ segments }: OverlayManifest) => new Map(segments.map(({ digest, bytes }) => [digest, bytes]));
const deployFile = ({ file }: Context, link: ShapedLink, seen?: (news: DeployNews) => Promise<void>) =>
  deploy(link, JSON.parse(file.text), segmentsOf(file.overlay.manifest), (digest) => file.get(digest), seen);

links('answers before its last byte has passed a slow link, and then has all of its disk', async (context) => {
  const link = await ShapedLink.open(context.listener.port, { bitsPerS: 4e6, roundTripMs: 20 });
  try {
    let passedAtAnswer = 0;
    const end = await deployFile(context, link, async (news) => {
      if (passedAtAnswer > 0 || news.kind !== 'event' || news.event.event !== 'state') return;
      if (news.event.data.stage !== 'serving') return;
      const answer = await ask(context, '/');
      assert.equal([answer.status, await answer.text()], [200, 'hello\n']);
      passedAtAnswer = link.passed.there;
    });
    assert.is(end.stage, 'ready', JSON.stringify(end.problem));
    const { bytes } = context.file;
    assert.ok(passedAtAnswer > 0, 'it was told that it serves');
    assert.ok(passedAtAnswer < bytes, `${passedAtAnswer} of ${bytes} bytes had passed`);
    assert.ok(link.passed.there >= bytes);
    console.log(`note: first answer after ${passedAtAnswer} of ${bytes} bytes`);
    const data = Buffer.from(await (await ask(context, '/data')).arrayBuffer());
    assert.is(data.length, DATA_MIB * 2 ** 20);
  } finally {
    await link.close();
  }
});

links('goes on at the segment when its link breaks, again and again', async (context) => {
  const link = await ShapedLink.open(context.listener.port, { bitsPerS: 24e6, roundTripMs: 10 });
  const { bytes, overlay } = context.file;
  const longest = Math.max(...overlay.manifest.segments.map((segment) => segment.bytes));
  const cuts = [0.3, 0.6, 0.9].map((part) => part * bytes);
  const ids = new Set<string>();
  const watching = setInterval(() => {
    if (cuts.length === 0 || link.passed.there < cuts[0]!) return;
    cuts.shift();
    link.cut();
  }, 2);
  try {
    const end = await deployFile(context, link, async (news) => {
      if (news.kind === 'accepted') ids.add(news.deployment.id);
    });
    assert.equal([end.stage, cuts, ids.size], ['ready', [], 1], JSON.stringify(end.problem));
    const again = link.passed.there - bytes;
    console.log(`note: over 3 breaks ${again} bytes passed beside the ${bytes} of the overlay`);
    // Two are on their way at once, and what had passed of them is sent again.
    assert.ok(again < 3 * (2 * longest + 200_000), `${again} bytes passed twice`);
    assert.is((await ask(context, '/')).status, 200);
    assert.is((await (await ask(context, '/data')).arrayBuffer()).byteLength, DATA_MIB * 2 ** 20);
  } finally {
    clearInterval(watching);
    await link.close();
  }
});

/** States whose digests are right, as only their author can make them. */
for (const [what, forge] of [
  ['noise', () => new SeededRandom(20_261_126).bytes(65_536)],
  ['half of one', (state) => state.subarray(0, state.length / 2)],
  ['a first word of one', (state) => state.subarray(0, 8)],
  [
    'one with other devices',
    (state) => Buffer.from(Buffer.from(state).toString('latin1').replaceAll('virtio', 'vortex'), 'latin1'),
  ],
  ['eight MiB of zeros', () => new Uint8Array(8 * 2 ** 20)],
] as readonly [string, (state: Uint8Array) => Uint8Array][])
  links(`whose state is ${what} is refused with the reason, and leaves nothing`, async (context) => {
    const { file, listener, vms, lab } = context;
    const { forged, read } = await withState(file, forge);
    const before = await readdir(vms.store.directory);
    const end = await deploy(listener, JSON.parse(overlayManifestText(forged)), segmentsOf(forged), read);
    assert.equal([end.stage, end.problem?.code], ['failed', 'overlay-refused'], JSON.stringify(end));
    assert.match(end.problem!.detail, /the state of the devices .* is not one of its machine.*make the overlay anew/s);
    assert.equal(lab.cloudlet.services.list(), []);
    assert.equal(await readdir(vms.store.directory), before);
  });

/** The overlay with another state under its own digest, and what reads its parts. */
async function withState(file: Context['file'], forge: (state: Uint8Array) => Uint8Array) {
  const { manifest } = file.overlay;
  const [first, ...rest] = manifest.segments;
  const state = forge(decodeState(await file.get(first!.digest), first!.expandedBytes));
  const packed = await encodeState(state, 1);
  const digest = digestOfHex(createHash('sha256').update(packed).digest('hex'));
  const forged: OverlayManifest = {
    ...manifest,
    segments: [{ kind: 'state', digest, bytes: packed.length, expandedBytes: state.length }, ...rest],
  };
  return { forged, read: async (part: Digest) => (part === digest ? packed : file.get(part)) };
}

/** Deploys the overlay with another state under its own digest, and a server that must answer soon. */
async function deployForged(
  { file, listener }: Context,
  forge: (state: Uint8Array) => Uint8Array,
  seen?: () => Promise<void>,
): Promise<Deployment> {
  const { forged, read } = await withState(file, forge);
  const soon = { ...forged, service: { ...forged.service, readyMs: 10_000 } };
  return deploy(listener, JSON.parse(overlayManifestText(soon)), segmentsOf(soon), read, seen);
}

links('of a stranger whose state QEMU takes runs where it can reach nothing', async (context) => {
  const { services } = context.lab.cloudlet;
  let status = '';
  // What describes the state for people is read by nobody: the state is another, and one that QEMU takes.
  const forge = (state: Uint8Array) =>
    Buffer.from(Buffer.from(state).toString('latin1').replace('"page_size"', '"page-size"'), 'latin1');
  const end = await deployForged(context, forge, async () => {
    const pid = services.list()[0]?.vms[0]?.pid;
    if (pid == null || status !== '') return;
    status = readFileSync(`/proc/${pid}/status`, 'utf8');
    assert.match(status, /CapEff:\s0{16}[\s\S]*NoNewPrivs:\s1[\s\S]*Seccomp:\s2/);
    if (process.getuid?.() !== 0) return; // The rest is what root can do anywhere.
    assert.equal(readdirSync(`/proc/${pid}/root`).sort(), ['dev', 'etc', 'lib', 'lib64', 'proc', 'usr']);
    assert.match(readFileSync(`/proc/${pid}/net/dev`, 'utf8'), /^[^:]*\n\s*lo:[^:]*$/);
  });
  assert.is(end.stage, 'ready', JSON.stringify(end.problem));
  assert.ok(status !== '', 'its QEMU was looked at');
});

links('of a stranger with bits of the state flipped is refused or harmless, and leaves nothing', async (context) => {
  const { vms, lab } = context;
  const random = new SeededRandom(20_261_127);
  for (let round = 0; round < 3; round += 1) {
    const before = await readdir(vms.store.directory);
    const end = await deployForged(context, (state) => {
      const forged = Uint8Array.from(state);
      for (let flip = 0; flip < 8; flip += 1) forged[random.below(forged.length)]! ^= 1 << random.below(8);
      return forged;
    });
    if (end.stage === 'failed') {
      assert.match(end.problem!.code, /^(overlay-refused|not-ready|machine-failed|guest-response-invalid)$/);
      assert.equal(lab.cloudlet.services.list(), []);
      assert.equal(await readdir(vms.store.directory), before, `seed ${random.seed}, round ${round}`);
    } else {
      await lab.cloudlet.services.remove(NAME);
      for (const name of await readdir(vms.store.directory))
        if (!before.includes(name)) await vms.store.remove(digestOfHex(name));
    }
  }
  // Whatever it was, the cloudlet serves on.
  assert.is(
    (
      await deploy(
        context.listener,
        JSON.parse(context.file.text),
        segmentsOf(context.file.overlay.manifest),
        (digest) => context.file.get(digest),
      )
    ).stage,
    'ready',
  );
});

links('where the policy lists publishers, a stranger starts no machine, and one of them does', async (context) => {
  const { file, vms } = context;
  const [own, other] = [await newPublisherKey(), await newPublisherKey()];
  const publisher = fingerprintOf(publicPartOf(own));
  const lab = await openLab({ cacheDir: vms.folder, policy: { functions: { publishers: [publisher] } } });
  const { app } = testHost({ cloudlet: lab.cloudlet });
  const listener = await listen('127.0.0.1', 0, (request, connection) => app.fetch(request, connection));
  const read = (digest: Digest) => file.get(digest);
  try {
    const { forged } = await withState(file, (state) => state.subarray(0, 8));
    const mine = await signedBy(file.overlay.signed, own);
    const parts = segmentsOf(file.overlay.manifest);
    for (const [manifest, sentence] of [
      [forged, /expected "web" signed by its publisher/],
      [{ ...JSON.parse(file.text), signatures: await signedBy(file.overlay.signed, other) }, /1 keys/],
      [{ ...forged, signatures: mine }, /a signature of exactly this overlay/],
    ] as const)
      await refused(() => deploy(listener, manifest, parts, read), 'signature-invalid', sentence);
    assert.equal([lab.cloudlet.services.list(), lab.cloudlet.deployments.list()], [[], []]);

    const end = await deploy(listener, { ...JSON.parse(file.text), signatures: mine }, parts, read);
    assert.is(end.stage, 'ready', JSON.stringify(end.problem));
    const { services, publishers } = lab.cloudlet;
    assert.is(services.get(NAME).publisher, publisher);
    assert.equal(
      publishers.list().map(({ name, fingerprint }) => [name, fingerprint]),
      [[NAME, publisher]],
    );
    // What was signed once is signed when it comes again without, and under its own name.
    assert.is((await deploy(listener, JSON.parse(file.text), parts, read)).rung, 'running');
    const client = createClient({ url: `http://127.0.0.1:${listener.port}`, token: TOKEN });
    const { image } = services.get(NAME);
    for await (const news of client.deploy({ want: { service: 'again', image } }))
      if (news.kind === 'ended') assert.equal([news.deployment.stage, news.deployment.rung], ['ready', 'cached']);
    // What it was before does not come again by itself; its image is here, and gone back to by its digest.
    const newer = readOverlayManifest(JSON.stringify({ ...JSON.parse(file.text), about: 'newer' }));
    const signatures = await signedBy(newer.signed, own);
    assert.is((await deploy(listener, { ...newer.manifest, signatures }, parts, read)).stage, 'ready');
    const before = { ...JSON.parse(file.text), signatures: mine };
    await refused(() => deploy(listener, before, parts, read), 'conflict', /"web" was not before/);
    await services.remove(parseName('again'));
    for await (const news of client.deploy({ want: { service: NAME, image } }))
      if (news.kind === 'ended') assert.is(news.deployment.stage, 'ready', news.deployment.problem?.detail);
    assert.is((await deploy(listener, before, parts, read)).rung, 'running');
    await services.remove(NAME);
    // The image is nobody's now: who has only its digest says nothing of whose it is.
    const unsigned = async () => {
      for await (const _ of client.deploy({ want: { service: 'again', image } }));
    };
    await refused(unsigned, 'signature-invalid', /got no signature/);
  } finally {
    await listener.close(0);
    await lab.close();
  }
});

links.run();
