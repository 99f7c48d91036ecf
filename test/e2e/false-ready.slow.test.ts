// end to end
// time limit: 1200 s
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { createClient, type HeldParts } from '../../guest-sdk/client/index.ts';
import type { Deployment, DeploymentRequestInput, ServiceInfo } from '../../guest-sdk/protocol/index.ts';
import { copySparse } from '../../runtime/machine/index.ts';
import { overlayOf } from '../../runtime/provision/overlay/create/overlay-of.ts';
import { type OverlayFile, openOverlayFile } from '../../runtime/provision/overlay/overlay-file.ts';
import type { VmImage } from '../../runtime/vm/image/index.ts';
import { restoreVm } from '../../runtime/vm/machine/restore-vm.ts';
import { HostLab } from '../support/host-lab.ts';
import { answering, SavedVms } from '../support/saved-vms.ts';

/** A server that serves on one port, and does everything else on others. */
const SERVER = `
const http = require('node:http'), net = require('node:net');
const on = (server, port, host = '127.0.0.1') => server.on('error', () => {}).listen(port, host);
on(http.createServer((_, out) => out.end('hello')), 8080);
on(http.createServer((_, out) => out.writeHead(500).end('starting')), 8082);
on(net.createServer((socket) => socket.on('error', () => {})), 8083);
on(http.createServer((_, out) => out.end('hello')), 8084, '::1');
on(net.createServer((socket) => socket.on('error', () => {}).end()), 8085);
on(http.createServer((_, out) => out.end('hello', () => setTimeout(() => process.exit(3), 20))), 8086);
on(http.createServer((_, out) => void out.write('hel')), 8087);
console.log('listens');
`;
const RUN = 'exec node /srv/server.js';
const SERVES = 8080;
const DIES = 8086;

const FAULTS = {
  'never listens, or on another port': 8081,
  'answers 500': 8082,
  'accepts and says nothing': 8083,
  'listens on IPv6 only': 8084,
  'closes at once': 8085,
  'never ends its answer': 8087,
} as const;

interface World {
  vms: SavedVms;
  image: VmImage;
  overlay: OverlayFile;
  lab: HostLab;
}

const ready = suite<World>('a server that does not serve is never ready');
ready.before(async (world) => {
  const vms = await SavedVms.open();
  world.vms = vms;
  const script = `mkdir -p /srv && echo ${Buffer.from(SERVER).toString('base64')} | base64 -d > /srv/server.js`;
  const image = await vms.service(script, { run: RUN, port: SERVES });
  world.image = image;
  const path = join(vms.folder, 'overlay');
  await overlayOf({
    ...{ image, images: vms.store, about: 'a faulty server', path, level: 1 },
    ...{ accelerator: vms.shape.accelerator, restore: restoreVm, probe: answering },
    signal: new AbortController().signal,
  });
  world.overlay = await openOverlayFile(path);
  world.lab = await HostLab.open('process', null, vms.folder);
});
ready.after(async ({ lab, overlay, vms }) => {
  await lab?.close();
  await overlay?.close();
  await vms?.close();
});

interface Told {
  readonly end: Deployment;
  readonly stages: ReadonlySet<string>;
}

async function deployed({ lab }: World, request: DeploymentRequestInput, held?: HeldParts): Promise<Told> {
  const client = createClient({ url: lab.url, token: lab.token });
  const stages = new Set<string>();
  for await (const news of client.deploy(request, held === undefined ? {} : { held })) {
    if (news.kind === 'event' && news.event.event === 'state') stages.add(news.event.data.stage);
    if (news.kind === 'ended') return { end: news.deployment, stages };
  }
  throw new Error('it ended without its end');
}

/** What each mechanism is asked for, to have the server probed on this port. */
const WAYS = {
  recipe: (world, name, port, readyMs) => {
    const files = [{ path: '/srv/server.js', text: SERVER }];
    const recipe = { base: world.vms.base.digest, files, service: { ...spec(port), readyMs } };
    return deployed(world, { want: { service: name, recipe } });
  },
  overlay: (world, name, port, readyMs) => {
    const { text, overlay, get } = world.overlay;
    const manifest = JSON.parse(text) as { readonly service: object };
    const parts = overlay.manifest.segments.map(({ digest, bytes }) => ({ digest, bytes }));
    const service = { ...manifest.service, ...spec(port), readyMs };
    const want = { service: name, overlay: { ...manifest, about: name, service } };
    return deployed(world, { want }, { parts, read: (digest) => get(digest), isPacked: true });
  },
} as const satisfies Record<string, (world: World, name: string, port: number, readyMs: number) => Promise<Told>>;

const spec = (port: number) => ({ run: RUN, port, probe: { text: 'hello' } });

/** Long enough that the server is there, and does what it does wrong; in a clone it is there at once. */
const READY_MS = { recipe: 30_000, overlay: 3000 } as const;

for (const [mechanism, deploy] of Object.entries(WAYS) as [keyof typeof WAYS, (typeof WAYS)['recipe']][]) {
  ready(`${mechanism}: one that serves is`, async (world) => {
    const { end } = await deploy(world, `${mechanism}-serves`, SERVES, 120_000);
    assert.is(end.stage, 'ready', end.problem?.detail);
  });

  for (const [fault, port] of Object.entries(FAULTS))
    ready(`${mechanism}: one that ${fault} is not`, async (world) => {
      const name = `${mechanism}-${port}`;
      const { end, stages } = await deploy(world, name, port, READY_MS[mechanism]);
      assert.equal([end.stage, end.problem?.code], ['failed', 'not-ready'], end.problem?.detail);
      for (const stage of ['ready', 'serving', 'complete']) assert.not.ok(stages.has(stage), stage);
      await expectAbsent(world, name);
    });

  ready(`${mechanism}: one that answers and ends is told of, and not served`, async (world) => {
    const name = `${mechanism}-${DIES}`;
    const { end } = await deploy(world, name, DIES, READY_MS[mechanism]);
    if (end.stage === 'failed') return await expectAbsent(world, name);
    // It had answered, which is what ready means: who comes then is told that it is no more.
    const answer = await world.lab.ask(`/s/${name}/`);
    assert.ok(answer.status >= 500 || (await answer.text()) === 'hello', String(answer.status));
  });
}

ready('a cached VM whose server ended in what was saved, or is asked on another port, is not', async (world) => {
  const { lab } = world;
  for (const [fault, port] of Object.entries(FAULTS)) {
    const image = await respecified(world, { ...spec(port), readyMs: READY_MS.overlay });
    const name = `cached-${port}`;
    const { end } = await deployed(world, { want: { service: name, image } });
    assert.equal([end.rung, end.problem?.code], ['cached', 'not-ready'], `${fault}: ${end.problem?.detail}`);
    await expectAbsent(world, name);
  }
  assert.equal(
    (await services(lab)).flatMap((each) => each.vms).filter(({ state }) => state === 'starting'),
    [],
  );
});

/** A saved VM as another one, whose server is said to be elsewhere. */
async function respecified({ vms, image: { digest } }: World, service: object): Promise<string> {
  const held = await vms.store.hold(digest);
  const { image } = held!;
  const { conditions, memory, state, diskBytes } = image;
  const draft = await vms.store.draft({ memoryMib: conditions.memoryMib, layers: ['qcow2'], layerBytes: 64 * 2 ** 20 });
  await copySparse(memory, draft.memory);
  await copyFile(state, draft.state);
  await copyFile(image.disk.at(-1)!.path, draft.layers[0]!);
  const made = await draft.commit({
    ...{ kind: 'service', key: null, about: 'elsewhere', conditions, diskBytes, base: image.base },
    service: { ...image.service!, ...service },
  });
  await held!.release();
  return made.digest;
}

async function services(lab: HostLab): Promise<ServiceInfo[]> {
  return ((await (await lab.ask('/v1/services')).json()) as { services: ServiceInfo[] }).services;
}

async function expectAbsent({ lab }: World, name: string): Promise<void> {
  const found = (await services(lab)).find((each) => each.name === name);
  assert.is(found, undefined, `${name}: ${JSON.stringify(found)}`);
  assert.is((await lab.ask(`/s/${name}/`)).status, 404, name);
}

ready.run();
