// time limit: 3600 s
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseDigest, parseName } from '../../guest-sdk/protocol/index.ts';
import { chooseAccelerator, computerConditions } from '../../runtime/machine/index.ts';
import { probeVm } from '../../runtime/provision/overlay/create/create-overlay.ts';
import { overlayOf } from '../../runtime/provision/overlay/create/overlay-of.ts';
import { openOverlayFile } from '../../runtime/provision/overlay/overlay-file.ts';
import { VmImageStore } from '../../runtime/vm/image/index.ts';
import { restoreVm } from '../../runtime/vm/machine/restore-vm.ts';
import { ApplicationLab } from '../support/application-lab.ts';

const applications = suite<{ folder: string; lab: ApplicationLab }>('native programs, as components and in VMs');

applications.before(async (context) => {
  context.folder = await mkdtemp(join(tmpdir(), 'cloudlet-applications-'));
  context.lab = await ApplicationLab.open(context.folder);
});
applications.after(async ({ folder, lab }) => {
  await lab.close();
  await rm(folder, { recursive: true, force: true });
});

const isText = (body: Uint8Array, expected: string | null) => assert.is(Buffer.from(body).toString(), expected);

for (const { name, sample, text, args, query } of [
  { name: 'ocr', sample: 'sample.pbm', text: 'sample.txt', args: [], query: '' },
  { name: 'speak', sample: 'sample.txt', text: null, args: ['rms'], query: '?voice=rms' },
  { name: 'hear', sample: 'sample.wav', text: 'sample.txt', args: [], query: '' },
]) {
  applications(`${name}: the component and the server on demand give the same`, async ({ lab }) => {
    const input = await ApplicationLab.file(name, sample);
    const component = await lab.runComponent(name, input, args);
    if (text !== null) isText(component, (await ApplicationLab.file(name, text)).toString());
    const { rung, stages } = await lab.deployRecipe(name);
    assert.is(rung, 'on-demand');
    assert.equal(
      stages.filter((stage) => ['packages', 'files', 'probe', 'save', 'starting', 'ready'].includes(stage)),
      ['packages', 'files', 'probe', 'save', 'starting', 'ready'],
    );
    const { status, body } = await lab.post(name, `/${query}`, input);
    assert.is(status, 200);
    assert.is(Buffer.compare(body, component), 0, 'to the last byte');
    await lab.cloudlet.services.stop(parseName(name));
  });
}

applications('one native server comes by every mechanism and answers the same', async ({ folder, lab }) => {
  const input = await ApplicationLab.file('ocr', 'sample.pbm');
  const expected = (await ApplicationLab.file('ocr', 'sample.txt')).toString();
  const { services, catalogue } = lab.cloudlet;
  const ask = async (name: string) => isText((await lab.post(name, '/', input)).body, expected);

  // It was made on demand above: now it is a cached VM, then a running one.
  const cached = await lab.deployRecipe('ocr');
  assert.is(cached.rung, 'cached');
  assert.not(cached.stages.some((stage) => ['restore', 'update', 'packages'].includes(stage)));
  await ask('ocr');
  assert.is((await lab.deployRecipe('ocr')).rung, 'running');

  // Synthesis, of an overlay that a device has.
  const accelerator = await chooseAccelerator({ cacheDir: lab.cacheDir, choice: 'auto' });
  const images = await VmImageStore.open({
    directory: join(lab.cacheDir, 'vm', 'images'),
    budgetBytes: 2 ** 40,
    computer: async () => computerConditions(accelerator),
  });
  const held = (await images.hold(parseDigest(cached.end.digest!)))!;
  const path = join(folder, 'ocr.overlay');
  const signal = AbortSignal.timeout(30 * 60_000);
  const parts = {
    ...{ image: held.image, images, about: 'gocr', path },
    accelerator,
    restore: restoreVm,
    probe: probeVm,
  };
  await overlayOf({ ...parts, signal }).finally(held.release);
  const overlay = await openOverlayFile(path);
  try {
    const wanted = { service: parseName('synthesised'), overlay: JSON.parse(overlay.text) };
    assert.is((await lab.deploy(wanted, (digest) => overlay.get(digest))).rung, 'overlay');
  } finally {
    await overlay.close();
  }
  await ask('synthesised');

  // Cloudlet push: the store has it, and a device only names it.
  const entry = { format: 1, kind: 'service', name: 'ocr', version: '1', title: 'Reads text' };
  const manifest = { ...entry, service: 'stored', from: { image: cached.end.digest } };
  assert.is((await catalogue.put('ocr', { manifest })).created, true);
  assert.is((await lab.deploy({ store: parseName('ocr') })).rung, 'cached');
  await ask('stored');
  for (const name of ['ocr', 'synthesised', 'stored']) await services.stop(parseName(name));
});

applications.run();
