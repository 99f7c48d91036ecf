// end to end
// time limit: 900 s
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { createClient, type DeployNews } from '../../guest-sdk/client/index.ts';
import {
  type Deployment,
  type DeploymentRequestInput,
  type Digest,
  digestOfHex,
  type EntryList,
  isEnded,
  parseEntryManifest,
  type ServiceInfo,
} from '../../guest-sdk/protocol/index.ts';
import { overlayOf } from '../../runtime/provision/overlay/create/overlay-of.ts';
import { type OverlayFile, openOverlayFile } from '../../runtime/provision/overlay/overlay-file.ts';
import type { VmImage } from '../../runtime/vm/image/index.ts';
import { restoreVm } from '../../runtime/vm/machine/restore-vm.ts';
import { HostLab } from '../support/host-lab.ts';
import { ended } from '../support/process-tree.ts';
import { answering, SavedVms } from '../support/saved-vms.ts';

const DATA_MIB = 4;
const SCRIPT = `mkdir -p /srv/www && echo hello > /srv/www/index.html && dd if=/dev/urandom of=/srv/www/data bs=1M count=${DATA_MIB} 2>/dev/null && sync`;
const SPEC = { run: 'exec httpd -f -p 127.0.0.1:8080 -h /srv/www', port: 8080 };

interface World {
  vms: SavedVms;
  file: OverlayFile;
  overlay: Uint8Array<ArrayBuffer>;
  /** Its lease is the shortest that there is. */
  brief: VmImage;
  lab: HostLab;
  /** Aborted when nothing is asked any more: devices go on asking a host that went away under them. */
  ended: AbortController;
}

/** A moment at which a host is killed. */
interface Moment {
  /** Brings the host there, and no further. */
  readonly reach: (world: World) => Promise<void>;
  /** Services that there are afterwards. */
  readonly services: readonly string[];
}

const kill = suite<World>('a host that is killed while it provisions');

kill.before(async (world) => {
  const vms = await SavedVms.open();
  world.vms = vms;
  world.ended = new AbortController();
  const image = await vms.service(SCRIPT, SPEC);
  const path = join(vms.folder, 'overlay');
  await overlayOf({
    ...{ image, images: vms.store, about: 'a web server', path, level: 3, accelerator: vms.shape.accelerator },
    ...{ restore: restoreVm, probe: answering, signal: new AbortController().signal },
  });
  world.file = await openOverlayFile(path);
  world.overlay = new Uint8Array(await readFile(path));
  world.brief = await vms.service('mkdir -p /srv/www && echo brief > /srv/www/index.html', {
    ...SPEC,
    limits: { leaseS: 10 },
  });
  world.lab = await HostLab.open('process', null, vms.folder);
});
kill.after(async ({ ended, lab, file, vms }) => {
  ended?.abort();
  await lab?.close();
  await file?.close();
  await vms?.close();
});

/** Begins a deployment that nobody ends, and resolves with the first news that are those. */
async function until(
  { lab, ended }: World,
  request: DeploymentRequestInput,
  read: (digest: Digest) => Promise<Uint8Array>,
  isIt: (news: DeployNews) => boolean,
): Promise<void> {
  const client = createClient({ url: lab.url, token: lab.token });
  const { want } = request;
  const segments =
    'service' in want && want.overlay !== undefined
      ? (want.overlay as unknown as { segments: { digest: Digest; bytes: number }[] }).segments
      : [];
  const held = { parts: segments.map(({ digest, bytes }) => ({ digest, bytes })), read, isPacked: true };
  const reached = Promise.withResolvers<void>();
  const follow = async (): Promise<void> => {
    for await (const news of client.deploy(request, { held, signal: ended.signal })) {
      if (isIt(news)) reached.resolve();
      if (news.kind === 'ended') reached.reject(new Error(`it ended: ${JSON.stringify(news.deployment)}`));
    }
  };
  // The host goes away under it.
  follow().catch((error: unknown) => reached.reject(error));
  await reached.promise;
}

const isStage =
  (stage: string) =>
  (news: DeployNews): boolean =>
    news.kind === 'event' && news.event.event === 'state' && news.event.data.stage === stage;

/** Reads segments of the overlay, but for those from a number on, for which it never has an answer. */
const readBefore =
  ({ file }: World, limit: number) =>
  (digest: Digest): Promise<Uint8Array> =>
    file.overlay.manifest.segments.findIndex((each) => each.digest === digest) < limit
      ? file.get(digest)
      : new Promise(() => undefined);

const overlayWish = ({ file }: World): DeploymentRequestInput => ({
  want: { service: 'web', overlay: JSON.parse(file.text) },
});

const serving = (world: World): Promise<void> =>
  until(
    world,
    overlayWish(world),
    readBefore(world, world.file.overlay.manifest.segments.length - 1),
    isStage('serving'),
  );

const json = (body: object): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
});

async function vmsOf({ lab }: World, name: string): Promise<ServiceInfo['vms']> {
  return ((await (await lab.ask(`/v1/services/${name}`)).json()) as ServiceInfo).vms;
}

async function reachState(world: World, name: string, isIt: (vms: ServiceInfo['vms']) => boolean): Promise<void> {
  while (!isIt(await vmsOf(world, name))) await sleep(5);
}

async function putEntry({ lab, overlay }: World): Promise<void> {
  const digest = digestOfHex(createHash('sha256').update(overlay).digest('hex'));
  const manifest = parseEntryManifest({
    ...{ format: 1, kind: 'service', name: 'web-entry', version: '1', title: 'A web server', service: 'web' },
    from: { overlay: 'web.overlay' },
    files: [{ name: 'web.overlay', digest, bytes: overlay.length, mediaType: 'application/octet-stream' }],
  });
  await createClient({ url: lab.url, token: lab.token }).store.put(manifest, { open: () => overlay });
}

const MOMENTS: Readonly<Record<string, Moment>> = {
  'while a blank waits': {
    reach: async ({ lab }) => {
      while (machinesOf(lab.pid).length === 0) await sleep(20);
    },
    services: [],
  },
  'while the memory of an overlay comes': {
    reach: (world) => {
      const asked = Promise.withResolvers<void>();
      const read = (digest: Digest): Promise<Uint8Array> => {
        if (digest !== world.file.overlay.manifest.segments[0]!.digest) asked.resolve();
        return readBefore(world, 1)(digest);
      };
      const never = until(world, overlayWish(world), read, () => false);
      return Promise.race([asked.promise, never]);
    },
    services: [],
  },
  'when the VM of an overlay serves, and is not whole': { reach: serving, services: [] },
  'while that VM waits for a block of its disk': {
    reach: async (world) => {
      await serving(world);
      const answer = await world.lab.ask('/s/web/data');
      assert.is(answer.status, 200);
      answer.arrayBuffer().catch(() => undefined);
    },
    services: [],
  },
  'while the script of a recipe runs': {
    reach: async (world) => {
      const { digest } = world.vms.base;
      const recipe = { base: digest, script: 'mkdir -p /srv/www\necho asleep\nsleep 1000', service: SPEC };
      const isAsleep = (news: DeployNews): boolean =>
        news.kind === 'event' && news.event.event === 'log' && news.event.data.text.includes('asleep');
      await until(world, { want: { service: 'made', recipe } }, async () => new Uint8Array(0), isAsleep);
    },
    services: [],
  },
  'while a file of a store entry is sent': {
    reach: async ({ lab, overlay }) => {
      const sent = Promise.withResolvers<void>();
      const body = new ReadableStream<Uint8Array>({
        pull: (controller) => {
          controller.enqueue(overlay.subarray(0, 1024 * 1024));
          sent.resolve();
          return new Promise<void>(() => undefined);
        },
      });
      const headers = { 'content-type': 'application/octet-stream', 'content-length': String(overlay.length) };
      const init = { method: 'POST', headers, body, duplex: 'half' } as RequestInit;
      lab.ask('/v1/store/web-entry/files', init).catch(() => undefined);
      await sent.promise;
    },
    services: [],
  },
  'while a device installs the server of a store entry': {
    reach: async (world) => {
      await putEntry(world);
      world.lab.ask('/v1/store/web-entry/install', json({})).catch(() => undefined);
      const goes = async (): Promise<boolean> => {
        const answer = await world.lab.ask('/v1/deployments');
        const { deployments } = (await answer.json()) as { deployments: Deployment[] };
        return deployments.some((each) => each.name === 'web' && !isEnded(each));
      };
      while (!(await goes())) await sleep(2);
    },
    services: [],
  },
  'while a VM is cloned': {
    reach: async (world) => {
      const want = { service: 'brief', image: world.brief.digest };
      await until(world, { want }, async () => new Uint8Array(0), isStage('ready')).catch(() => undefined);
      world.lab.ask('/v1/services/brief/start', json({ mode: 'own' })).catch(() => undefined);
      await reachState(world, 'brief', (vms) => vms.some(({ mode }) => mode === 'own'));
    },
    services: ['brief'],
  },
  'when a lease ends': {
    reach: async (world) => {
      await world.lab.ask('/v1/services/brief/start', json({ mode: 'join' }));
      await reachState(world, 'brief', (vms) => vms.every(({ state }) => state !== 'ready'));
    },
    services: ['brief'],
  },
};

for (const [when, { reach, services }] of Object.entries(MOMENTS))
  kill(`${when} leaves no machine, file, mark or lock, and says how it ended`, async (world) => {
    const { lab, vms } = world;
    await reach(world);
    const machines = machinesOf(lab.pid);
    await lab.kill();
    await ended(...machines);

    await lab.start('process');
    const { deployments } = (await (await lab.ask('/v1/deployments')).json()) as { deployments: Deployment[] };
    assert.ok(deployments.every(isEnded), JSON.stringify(deployments.filter((each) => !isEnded(each))));
    for (const each of deployments.filter(({ stage }) => stage === 'failed'))
      assert.is(each.problem?.code, 'interrupted', JSON.stringify(each));
    const known = (await (await lab.ask('/v1/services')).json()) as { services: ServiceInfo[] };
    assert.equal(
      known.services.map(({ name, vms: running }) => [name, running.length]),
      services.map((name) => [name, 0]),
    );
    const names = readdirSync(vms.store.directory);
    assert.equal(
      names.filter((name) => !/^[0-9a-f]{64}$/.test(name) && !isBlankOf(lab.pid, name)),
      [],
    );
    const marks = names
      .flatMap((name) => readdirSync(join(vms.store.directory, name)))
      .filter((name) => /^held-/.test(name));
    for (const { digest } of await vms.store.list()) assert.ok((await vms.store.find(digest)) !== null);
    assert.is((await vms.store.list()).filter(({ inUse }) => inUse).length, 0, String(marks));
    const data = join(lab.folder, 'data');
    for (const folder of ['blobs/incoming', 'deployments/parts/incoming'])
      assert.equal(readdirSync(join(data, folder)), [], folder);
    const { entries } = (await (await lab.ask('/v1/store')).json()) as EntryList;
    assert.ok(entries.every(({ name }) => name === 'web-entry'));
  });

kill('provisions what broke off, afterwards', async (world) => {
  const { lab, file } = world;
  const client = createClient({ url: lab.url, token: lab.token });
  const parts = file.overlay.manifest.segments.map(({ digest, bytes }) => ({ digest, bytes }));
  const held = { parts, read: (digest: Digest) => file.get(digest), isPacked: true };
  for await (const news of client.deploy(overlayWish(world), { held }))
    if (news.kind === 'ended') assert.is(news.deployment.stage, 'ready', JSON.stringify(news.deployment.problem));
  assert.is((await (await lab.ask('/s/web/data')).arrayBuffer()).byteLength, DATA_MIB * 2 ** 20);
});

/** The draft of the blank that a host that runs has begun. */
function isBlankOf(pid: number, name: string): boolean {
  return name.startsWith(`.making-${pid}-`);
}

/** QEMUs that a process has started, at whatever remove. */
function machinesOf(pid: number): number[] {
  const parents = new Map<number, number>();
  const names = new Map<number, string>();
  for (const each of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const stat = readFileSync(`/proc/${each}/stat`, 'utf8');
      parents.set(Number(each), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]));
      names.set(Number(each), stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')')));
    } catch {
      // It ended while we looked.
    }
  }
  const isBelow = (each: number | undefined): boolean =>
    each !== undefined && (each === pid || isBelow(parents.get(each)));
  return [...names].flatMap(([each, name]) => (name.startsWith('qemu-system') && isBelow(each) ? [each] : []));
}

kill.run();
