// time limit: 600 s
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  type CloudletError,
  type DeploymentEvent,
  type Digest,
  hexOf,
  parseDeploymentRequest,
  parseName,
  parseRecipe,
} from '../../guest-sdk/protocol/index.ts';
import { createOverlay } from '../../runtime/provision/overlay/create/create-overlay.ts';
import { overlayOf } from '../../runtime/provision/overlay/create/overlay-of.ts';
import { type OverlayFile, openOverlayFile } from '../../runtime/provision/overlay/overlay-file.ts';
import { synthesize } from '../../runtime/provision/overlay/synthesis/synthesize.ts';
import { type VmImage, VmImageStore } from '../../runtime/vm/image/index.ts';
import { restoreVm } from '../../runtime/vm/machine/restore-vm.ts';
import { CliLab } from '../host/cli/cli-lab.ts';
import { bodyOf, openLab } from '../support/cloudlet-lab.ts';
import { answering, ask, SavedVms } from '../support/saved-vms.ts';

const SYNTHESIZE_AND_WAIT = fileURLToPath(new URL('../support/synthesize-and-wait.ts', import.meta.url));

/** What the server has on its disk: more than is read at first. */
const DATA_MIB = 6;
const SCRIPT = [
  'mkdir -p /srv/www && echo hello > /srv/www/index.html',
  `dd if=/dev/urandom of=/srv/www/data bs=1M count=${DATA_MIB} 2>/dev/null`,
  'sync',
].join(' && ');
const SPEC = { run: 'exec httpd -f -p 127.0.0.1:8080 -h /srv/www', port: 8080 };

const overlays = suite<{ vms: SavedVms; service: VmImage; file: OverlayFile; path: string }>('an overlay of a real VM');
overlays.before(async (context) => {
  context.vms = await SavedVms.open();
  context.service = await context.vms.service(SCRIPT, SPEC);
  context.path = join(context.vms.folder, 'overlay');
  await create(context.vms, context.service, context.path);
  context.file = await openOverlayFile(context.path);
});
overlays.after(async ({ vms, file }) => {
  await file?.close();
  await vms?.close();
});

const create = ({ store, shape }: SavedVms, image: VmImage, path: string) =>
  overlayOf({
    ...{ image, images: store, about: 'a web server', path, level: 3 },
    ...{ accelerator: shape.accelerator, restore: restoreVm, probe: answering, signal: new AbortController().signal },
  });

/** Begins a synthesis of which `parts` says when segments come. */
const begin = (
  { store, shape }: SavedVms,
  { overlay }: OverlayFile,
  parts: { get(digest: Digest): Promise<Uint8Array> },
  signal = new AbortController().signal,
) =>
  synthesize({
    overlay,
    images: store,
    parts,
    accelerator: shape.accelerator,
    id: 'a-test',
    restore: restoreVm,
    signal,
  });

/** Whether a process runs. */
const runs = (pid: number) =>
  stat(`/proc/${pid}`).then(
    () => true,
    () => false,
  );

overlays('is made of a saved service, the same bytes each time', async ({ vms, service, path, file }) => {
  const again = join(vms.folder, 'again');
  await create(vms, service, again);
  const [one, two] = [await openOverlayFile(again), file];
  const digests = ({ overlay }: OverlayFile) =>
    overlay.manifest.segments.filter(({ kind }) => kind !== 'disk').map(({ digest }) => digest);
  assert.equal(digests(one), digests(two));
  await one.close();
  const { size } = await stat(path);
  console.log(
    `note: an overlay of busybox httpd and ${DATA_MIB} MiB: ${(size / 2 ** 20).toFixed(2)} MiB, ${file.overlay.manifest.segments.length} segments`,
  );
  assert.ok(size < (DATA_MIB + 2) * 2 ** 20, `${size} bytes`);
});

overlays('is made by a script, or by hand, of nothing but its base', async ({ vms }) => {
  const { store: images, shape } = vms;
  const lines = 'mkdir -p /srv && echo by hand > /srv/index.html\nexit 3\n';
  const service = { run: 'exec httpd -f -p 127.0.0.1:8080 -h /srv', port: 8080 };
  const session = { input: Readable.from([Buffer.from(lines)]), output: () => undefined };
  for (const [how, script, more, said] of [
    ['script', 'mkdir -p /srv\necho by a script > /srv/index.html\n', {}, 'by a script\n'],
    ['hand', '', { session }, 'by hand\n'],
  ] as const) {
    const path = join(vms.folder, how);
    const stages = new Set<string>();
    const made = await createOverlay({
      ...{ images, accelerator: shape.accelerator, path, about: how, level: { bitsPerS: 10e6 } },
      recipe: parseRecipe({ base: vms.base.digest, script, service }),
      ...more,
      policy: { http: 'none', privateNetworks: [] },
      report: ({ stage }) => void stages.add(stage),
      signal: new AbortController().signal,
    });
    for (const stage of ['script', 'start', 'probe', 'save', 'rehearsing', 'comparing', 'compressing'])
      assert.ok(stages.has(stage), stage);
    const file = await openOverlayFile(path);
    try {
      assert.is(file.overlay.digest, made.digest);
      const { vm, image } = await begin(vms, file, file);
      await answering(vm, file.overlay.manifest.service);
      assert.is((await ask(vm, 8080, '/')).body.toString(), said);
      await image;
      await vm.close();
    } finally {
      await file.close();
    }
  }
});

overlays(
  'answers before its last segments are there, and then is the image that it was made of',
  async ({ vms, file }) => {
    const { segments } = file.overlay.manifest;
    const held = new Set(segments.slice(-3).map(({ digest }) => digest));
    const gate = Promise.withResolvers<void>();
    const parts = {
      get: async (digest: Digest) => {
        if (held.has(digest)) await gate.promise;
        return file.get(digest);
      },
    };
    const { vm, image } = await begin(vms, file, parts);
    try {
      await answering(vm, file.overlay.manifest.service);
      assert.is((await ask(vm, 8080, '/')).body.toString(), 'hello\n');
      let isWhole = false;
      const whole = ask(vm, 8080, '/data').then((answer) => {
        isWhole = true;
        return answer;
      });
      assert.is((await ask(vm, 8080, '/')).status, 200);
      assert.not.ok(isWhole, 'a part of the data is not there yet');
      gate.resolve();
      const made = await image;
      const data = createHash('sha256')
        .update((await whole).body)
        .digest('hex');
      const clone = await restoreVm({
        id: 'a-clone',
        shape: vms.shape,
        disk: { layers: made.disk, bytes: made.diskBytes, growthBytes: 64 * 2 ** 20 },
        ...{ memory: made.memory, state: made.state },
      });
      try {
        const { body } = await ask(clone, 8080, '/data');
        assert.is(body.length, DATA_MIB * 2 ** 20);
        assert.is(createHash('sha256').update(body).digest('hex'), data, 'the next start has the same disk');
      } finally {
        await clone.close();
      }
      assert.equal(await vms.store.findMade('service', hexOf(file.overlay.digest)), made);
      for (const each of ['memory', 'state'] as const) assert.ok((await readFile(made[each])).length > 0, each);
    } finally {
      await vm.close();
    }
  },
);

overlays(
  'is a deployment that serves before its last part is there, and the second time is cached',
  async ({ vms, file }) => {
    const lab = await openLab({ cacheDir: vms.folder });
    const { deployments, services } = lab.cloudlet;
    const user = { user: 'a test' };
    const [name, parts] = ['web', file.overlay.manifest.segments.map(({ digest }) => digest)];
    const request = parseDeploymentRequest({ want: { service: name, overlay: JSON.parse(file.text) } });
    const ended = async (id: string): Promise<DeploymentEvent[]> => {
      const events: DeploymentEvent[] = [];
      for await (const event of deployments.events(id)) events.push(event);
      return events;
    };
    const index = async () => {
      const ask = { method: 'GET', path: '/', headers: [] as [string, string][], body: null };
      const answer = await services.request(parseName(name), ask as never, user);
      return answer.status;
    };
    try {
      // What earlier tests have made of it.
      const known = await vms.store.findMade('service', hexOf(file.overlay.digest));
      if (known !== null) await vms.store.remove(known.digest);
      const asked = await deployments.ask(request);
      const { id } = asked.deployment;
      assert.is(asked.deployment.rung, 'overlay');
      const all = ended(id);
      const send = async (digest: Digest) =>
        deployments.part(id, digest, bodyOf(await file.get(digest)), new AbortController().signal);
      const last = parts.at(-1)!;
      for (const part of parts.slice(0, -1)) await send(part);
      while (!services.list().some(({ vms: running }) => running.some(({ state }) => state === 'ready')))
        await new Promise((resolve) => setTimeout(resolve, 20));
      assert.is(await index(), 200, 'the last part is not there yet');
      await send(last);
      const events = await all;
      const states = events.flatMap(({ event, data }) => (event === 'state' ? [data] : []));
      assert.is(states.at(-1)?.state, 'ready', JSON.stringify(states.at(-1)));
      assert.is(states.at(-1)?.address, '/s/web/');
      assert.ok(states.some(({ stage }) => stage === 'serving'));
      const again = await deployments.ask(request);
      assert.is(again.deployment.rung === 'running' || again.deployment.rung === 'cached', true, again.deployment.rung);
      await ended(again.deployment.id);
      assert.is(await index(), 200);
    } finally {
      await lab.close();
    }
  },
);

overlays('is made and used by the verbs', async ({ vms }) => {
  const lab = await CliLab.open();
  lab.environment['CLOUDLET_CACHE'] = vms.folder;
  try {
    await writeFile(join(lab.folder, 'install.sh'), 'mkdir -p /srv\necho by the verbs > /srv/index.html\n');
    const server = ['--run', 'exec httpd -f -p 127.0.0.1:8080 -h /srv', '--port', '8080'];
    const words = ['--script', 'install.sh', ...server, '--level', '1', '-o', 'web.overlay', '--json'];
    const made = await lab.run(['vm', 'overlay', 'create', '--base', vms.base.digest, ...words]);
    assert.is(made.status, 0, made.errors);
    assert.is(JSON.parse(made.text).file, 'web.overlay');
    await lab.serve();
    const done = await lab.run(['vm', 'synthesize', 'web.overlay', '--json']);
    assert.is(done.status, 0, done.errors);
    const { rung, address, servedMs } = JSON.parse(done.text);
    assert.equal([rung, servedMs > 0], ['overlay', true]);
    const listed = await lab.run(['vm', 'ls', '--json']);
    assert.match(listed.text, /"web"/, listed.errors);
    assert.match(address, /\/s\/web\/$/);
  } finally {
    await lab.close();
  }
});

overlays('that breaks off ends its VM, and leaves nothing', async ({ vms, file }) => {
  const last = file.overlay.manifest.segments.at(-1)!.digest;
  const gate = Promise.withResolvers<Uint8Array>();
  const parts = { get: (digest: Digest) => (digest === last ? gate.promise : file.get(digest)) };
  const before = await readdir(vms.store.directory);
  const { vm, image } = await begin(vms, file, parts);
  await answering(vm, file.overlay.manifest.service);
  gate.reject(new Error('the device went away'));
  const error = await image.then(
    () => assert.unreachable(),
    (thrown: CloudletError) => thrown,
  );
  assert.is((error as Error).message, 'the device went away');
  await vm.exited;
  assert.not.ok(await runs(vm.pid));
  assert.equal(await readdir(vms.store.directory), before);
});

overlays(
  'whose host is killed in the middle leaves no machine, and no file when the store is opened again',
  async ({ vms, path }) => {
    const before = await readdir(vms.store.directory);
    const host = spawn(process.execPath, [SYNTHESIZE_AND_WAIT, vms.folder, path], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      const [said] = (await once(host.stdout, 'data')) as [Buffer];
      const pid = Number(said.toString());
      assert.ok(await runs(pid));
      assert.is((await readdir(vms.store.directory)).length, before.length + 1, 'a draft');
      host.kill('SIGKILL');
      await once(host, 'close');
      while (await runs(pid)) await new Promise((resolve) => setTimeout(resolve, 10));
      const computer = () => vms.store.computer();
      await VmImageStore.open({ directory: vms.store.directory, budgetBytes: 2 ** 40, computer });
      assert.equal(await readdir(vms.store.directory), before);
    } finally {
      host.kill('SIGKILL');
    }
  },
);

overlays('that is given up in the middle leaves nothing', async ({ vms, file }) => {
  const before = await readdir(vms.store.directory);
  const stop = new AbortController();
  let asked = 0;
  const parts = {
    get: (digest: Digest) => {
      asked += 1;
      if (asked > 2) stop.abort(new Error('given up'));
      return file.get(digest);
    },
  };
  const error = await begin(vms, file, parts, stop.signal).then(
    ({ image }) =>
      image.then(
        () => assert.unreachable(),
        (thrown: Error) => thrown,
      ),
    (thrown: Error) => thrown,
  );
  assert.is((error as Error).message, 'given up');
  assert.equal(await readdir(vms.store.directory), before);
});

overlays.run();
