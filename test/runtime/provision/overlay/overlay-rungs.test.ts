import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  CloudletError,
  type Digest,
  digestOfHex,
  fingerprintOf,
  newPublisherKey,
  parseDeploymentRequest,
  publicPartOf,
  type ServiceInfo,
  signedBy,
} from '../../../../guest-sdk/protocol/index.ts';
import type { Offer, RungContext, RungProgress } from '../../../../runtime/provision/deployment/rung.ts';
import { type Wish, wishOf } from '../../../../runtime/provision/deployment/wish.ts';
import { type OverlayRungParts, overlayRungs } from '../../../../runtime/provision/overlay/overlay-rungs.ts';
import type { AdoptedVm } from '../../../../runtime/service/index.ts';
import { refused } from '../../../support/refusal.ts';
import { labPublishers } from '../../../support/service-hall-lab.ts';
import { LAB_ACCELERATOR, LabVm, SynthesisLab } from '../../../support/synthesis-lab.ts';

const SEED = Number(process.env.FUZZ_SEED ?? 20261126);

/** Services that remember what they were told; a VM that was adopted serves unless `refuse` says why not. */
class LabServices {
  readonly told: string[] = [];
  readonly infos: ServiceInfo[] = [];
  refuse: CloudletError | null = null;
  publisher: string | null = null;

  readonly desk = {
    adopt: async (name: string, adopted: AdoptedVm, { signal }: { signal: AbortSignal }) => {
      const vm = await adopted.open(signal);
      if (this.refuse !== null) {
        await vm.close();
        throw this.refuse;
      }
      this.told.push(`adopt ${name} ${adopted.image} ${adopted.via}`);
    },
    put: (name: string, image: Digest, _: unknown, { publisher }: { publisher: string | null }) => {
      this.told.push(`put ${name} ${image}`);
      this.publisher = publisher;
    },
    start: async (name: string) => void this.told.push(`start ${name}`),
    list: () => this.infos,
  } as unknown as OverlayRungParts['services'];
}

interface Context {
  lab: SynthesisLab;
  services: LabServices;
  wish: Wish;
  reports: RungProgress[];
  publishers: OverlayRungParts['publishers'];
}

const rungs = suite<Context>('the ways to a service by its overlay');
rungs.before.each(async (context) => {
  context.lab = await SynthesisLab.open(SEED);
  context.services = new LabServices();
  context.wish = wishFor(context.lab.manifest);
  context.reports = [];
  context.publishers = labPublishers();
});
rungs.after.each(({ lab }) => lab.close());

const wishFor = (overlay: object): Wish => {
  const { want } = parseDeploymentRequest({ want: { service: 'ocr', overlay } });
  return wishOf(want as Wish['want'], {});
};

/** The offer of a way. */
async function offer(context: Context, name: string) {
  const { lab, services, wish } = context;
  const parts: OverlayRungParts = {
    images: lab.store,
    services: services.desk,
    publishers: context.publishers,
    policy: { http: 'any-public', privateNetworks: [] },
    accelerator: async () => LAB_ACCELERATOR,
    restore: async (options) => {
      const vm = await LabVm.restore(options);
      lab.vms.push(vm);
      return vm.vm;
    },
  };
  return overlayRungs(parts)
    .find((each) => each.name === name)!
    .offer(wish, lab.stop.signal);
}

const taken = async (context: Context, name: string): Promise<Offer> => {
  const found = await offer(context, name);
  assert.ok(found !== null && 'provision' in found, name);
  return found as Offer;
};

const contextOf = ({ lab, reports }: Context): RungContext => ({
  parts: lab.parts,
  report: (progress) => void reports.push(progress),
  signal: lab.stop.signal,
});

const failureOf = (promise: Promise<unknown>): Promise<CloudletError> =>
  promise.then(
    () => assert.unreachable('it should have failed'),
    (error: CloudletError) => error,
  ) as Promise<CloudletError>;

rungs(
  'a synthesis asks for all segments, serves before the last, and puts the image under the name',
  async (context) => {
    const { lab, services, reports } = context;
    const { missing, provision } = await taken(context, 'overlay');
    assert.equal(
      missing,
      lab.manifest.segments.map(({ digest, bytes }) => ({ digest, bytes })),
    );
    for (const index of lab.indexes('state', 'memory')) lab.send(index);
    const act = provision(contextOf(context));
    while (!reports.some(({ stage }) => stage === 'serving')) await new Promise(setImmediate);
    assert.equal(services.told, [`adopt ocr ${lab.read().digest} overlay`]);
    for (const index of lab.indexes('disk')) lab.send(index);
    const done = await act;
    assert.equal([done.kind, done.name, done.address], ['service', 'ocr', '/s/ocr/']);
    assert.equal(services.told.slice(1), [`put ocr ${done.digest}`]);
    assert.equal(reports.at(-1), { stage: 'serving', digest: done.digest });
    assert.ok(reports.some(({ stage, bytesDone }) => stage === 'receiving' && bytesDone! > 0));

    const cached = await taken(context, 'cached');
    assert.equal(cached.missing, []);
    assert.equal(await cached.provision(contextOf(context)), done);
    assert.equal(services.told.slice(2), [`put ocr ${done.digest}`, 'start ocr']);
    assert.is(await offer(context, 'running'), null);
    const ready = { state: 'ready', mode: 'shared' };
    const older = digestOfHex('e'.repeat(64));
    for (const [image, isRunning] of [
      [older, false],
      [lab.read().digest, true],
      [done.digest, true],
    ] as const) {
      services.infos.splice(0, 1, { name: 'ocr', image: done.digest, vms: [{ ...ready, image }] } as never);
      assert.is((await offer(context, 'running')) !== null, isRunning, image);
    }
    assert.equal(await (await taken(context, 'running')).provision(contextOf(context)), done);
  },
);

rungs('nothing is cached or running of an overlay that was never applied', async (context) => {
  assert.is(await offer(context, 'running'), null);
  assert.match(((await offer(context, 'cached')) as { why: string }).why, /not applied here before/);
});

rungs('what cannot be used here says why', async (context) => {
  const { manifest } = context.lab;
  for (const [change, why] of [
    [{ base: digestOfHex('0'.repeat(64)) }, /is not here; bring it/],
    [{ conditions: { ...manifest.conditions, qemu: '9.0' } }, /QEMU was 9.0/],
    [{ diskBytes: 4096 }, /block \d+|ends at|contradicts/],
  ] as const) {
    context.wish = wishFor({ ...manifest, ...change });
    const said = await offer(context, 'overlay').then(
      (found) => (found as { why: string }).why,
      (error: Error) => error.message,
    );
    assert.match(said, why);
  }
});

rungs('wishes for anything else are none of theirs', async (context) => {
  for (const want of [{ function: 'ocr' }, { service: 'ocr' }]) {
    context.wish = wishOf(parseDeploymentRequest({ want }).want as Wish['want'], {});
    for (const name of ['running', 'cached', 'overlay']) assert.is(await offer(context, name), null);
  }
});

rungs('a server that does not serve leaves nothing', async (context) => {
  const { lab, services } = context;
  services.refuse = new CloudletError('not-ready', 'it never answered');
  for (const index of lab.indexes('state', 'memory')) lab.send(index);
  const { provision } = await taken(context, 'overlay');
  assert.is((await failureOf(provision(contextOf(context)))).code, 'not-ready');
  assert.ok(lab.vms[0]!.closed);
  assert.equal([await lab.leftOvers(), services.told], [[], []]);
});

rungs('an upload that breaks off after it served ends it, and nothing is put under the name', async (context) => {
  const { lab, services, reports } = context;
  for (const index of lab.indexes('state', 'memory')) lab.send(index);
  const act = (await taken(context, 'overlay')).provision(contextOf(context));
  while (!reports.some(({ stage }) => stage === 'serving')) await new Promise(setImmediate);
  lab.stop.abort(new CloudletError('interrupted', 'the device went away'));
  assert.is((await failureOf(act)).message, 'the device went away');
  assert.ok(lab.vms[0]!.closed);
  assert.equal(await lab.leftOvers(), []);
  assert.is(services.told.length, 1);
});

rungs('a segment that is refused is the reason that is given', async (context) => {
  const { lab } = context;
  for (const index of lab.indexes('state', 'memory')) lab.send(index, Buffer.from('forged'));
  const { provision } = await taken(context, 'overlay');
  assert.is((await failureOf(provision(contextOf(context)))).code, 'overlay-refused');
  assert.equal(await lab.leftOvers(), []);
});

rungs('one by a key that the policy does not list is refused before a byte of it is asked for', async (context) => {
  const { lab, services } = context;
  const [own, other] = [await newPublisherKey(), await newPublisherKey()];
  const fingerprint = fingerprintOf(publicPartOf(own));
  context.publishers = labPublishers([fingerprint]);
  const signatures = await signedBy(lab.read().signed, other);
  for (const [overlay, sentence] of [
    [lab.manifest, /expected "ocr" signed by its publisher.*got no signature/],
    [{ ...lab.manifest, signatures }, /signed by one of the 1 keys/],
    [{ ...lab.manifest, about: 'forged', signatures }, /a signature of exactly this overlay/],
  ] as const) {
    context.wish = wishFor(overlay);
    await refused(() => offer(context, 'overlay'), 'signature-invalid', sentence);
  }
  assert.equal([lab.vms, services.told], [[], []]);

  const owned = await signedBy({ ...lab.read().signed, signatures }, own);
  context.wish = wishFor({ ...lab.manifest, signatures: owned });
  const { provision } = await taken(context, 'overlay');
  for (const index of lab.indexes('state', 'memory', 'disk')) lab.send(index);
  await provision(contextOf(context));
  assert.is(services.publisher, fingerprint);
});

rungs(
  'what a service of a key was before is refused by every way, before a byte of it is asked for',
  async (context) => {
    const { lab } = context;
    const own = await newPublisherKey();
    const fingerprint = fingerprintOf(publicPartOf(own));
    const [was, present] = ['1', '2'].map((each) => digestOfHex(each.repeat(64))) as [Digest, Digest];
    const past = new Map([[`ocr ${lab.read().digest}`, { image: was, publisher: fingerprint }]]);
    const pins = new Map([['ocr', fingerprint]]);
    context.publishers = labPublishers('anyone', pins, { past, find: () => ({ image: present }) });
    context.wish = wishFor({ ...lab.manifest, signatures: await signedBy(lab.read().signed, own) });
    await refused(() => offer(context, 'overlay'), 'conflict', /"ocr" was not before.*publisher forget ocr/);
    assert.equal([lab.vms, lab.parts.asked], [[], []]);
  },
);

rungs.run();
