import { createHash, randomBytes } from 'node:crypto';
import { contentOf } from '../../guest-sdk/client/index.ts';
import { zstdCompression } from '../../guest-sdk/client/node.ts';
import { digestOfHex, parseName } from '../../guest-sdk/protocol/index.ts';
import { nodeTransport } from '../../host/cli/host-access/node-transport.ts';
import { chooseAccelerator } from '../../runtime/machine/index.ts';
import { Misuse } from './misuse.ts';
import { PACKAGED, type PackagedApplication } from './package/applications.ts';
import { type BuiltApplication, builtApplication, type PackagedVersion } from './package/built-application.ts';
import { closureBytes } from './package/debian-closure.ts';
import type { Benchmark } from './run.ts';
import { LINKS, type Link } from './synthesis/links.ts';
import { CHARTED, Samples } from './synthesis/measured.ts';
import { BENCH_CACHE } from './synthesis/prepared.ts';
import { type Device, forgetFunctions, ProvisionHost } from './synthesis/provision-host.ts';
import { transferToOwnHostS } from './synthesis/transfer.ts';

const REPETITIONS = 3;
const LINK: Link = LINKS.find(({ name }) => name === CHARTED)!;

/** What a push took, and sent over the link. */
interface Push {
  /** Until it answers calls. */
  readonly readyS: number;
  /** Until all of it is there: the same, but for an early one. */
  readonly completeS: number;
  readonly bytes: number;
}

/** Pushes a version as the command does, which has kept the component of the version before; `early` as `deploy`, else as `publish`. */
async function push(
  device: Device,
  name: string,
  { component, packed }: PackagedVersion,
  before: PackagedVersion | null,
  early = false,
): Promise<Push> {
  const { digest, pieces } = packed;
  const content = contentOf(Buffer.concat(pieces));
  const dictionaries =
    before === null ? [] : [{ digest: sha256Of(before.component), read: async () => before.component }];
  const sentBefore = device.sent() ?? 0;
  const began = performance.now();
  const since = () => (performance.now() - began) / 1000;
  let readyS: number | null = null;
  for await (const news of device.client.push(parseName(name), content, { digest, dictionaries, early })) {
    if (news.kind === 'event' && news.event.event === 'state' && news.event.data.stage === 'ready') readyS ??= since();
    if (news.kind !== 'ended') continue;
    if (news.deployment.problem !== undefined) throw new Error(news.deployment.problem.detail);
    const completeS = since();
    return { readyS: readyS ?? completeS, completeS, bytes: (device.sent() ?? 0) - sentBefore };
  }
  throw new Error(`expected the push of ${component.length} bytes to end, it did not`);
}

/** Both versions of an application, one after the other, pushed to a host that knows nothing of it. */
async function publishBoth(name: string, { first, second }: BuiltApplication, { shape }: Link) {
  await forgetFunctions(BENCH_CACHE);
  const host = await ProvisionHost.start(BENCH_CACHE);
  const device = await host.device(shape, { transport: nodeTransport, compression: zstdCompression });
  try {
    return { v1: await push(device, name, first, null), v2: await push(device, name, second, first) };
  } finally {
    await device.close();
    await host.stop();
  }
}

/** The first version, pushed as `deploy` does to a host that knows nothing of it. */
async function deployFirst(name: string, { first }: BuiltApplication, { shape }: Link): Promise<Push> {
  await forgetFunctions(BENCH_CACHE);
  const host = await ProvisionHost.start(BENCH_CACHE);
  const device = await host.device(shape, { transport: nodeTransport, compression: zstdCompression });
  try {
    return await push(device, name, first, null, true);
  } finally {
    await device.close();
    await host.stop();
  }
}

function chosen(only: string | undefined): readonly PackagedApplication[] {
  const found = PACKAGED.filter(({ name }) => only === undefined || name === only);
  if (found.length > 0) return found;
  throw new Misuse(`expected --application ${PACKAGED.map(({ name }) => name).join(', or ')}, got ${only}`);
}

function sha256Of(bytes: Uint8Array) {
  return digestOfHex(createHash('sha256').update(bytes).digest('hex'));
}

const benchmark: Benchmark = {
  title:
    'packages of three programs of Debian: bytes, and two publishes over 15 Mbit/s [--calls repetitions, --application NAME]',
  async run(say, { calls: repetitions = REPETITIONS, application: only }) {
    const samples = new Samples();
    const { kind: accelerator } = await chooseAccelerator({ cacheDir: BENCH_CACHE, choice: 'auto' });
    for (const application of chosen(only)) {
      const { name, title, debian } = application;
      const add = (figure: string, value: number) => samples.add({ application: name, link: '-', figure, value });
      const built = await builtApplication(application, say);
      add('component_bytes', built.first.component.length);
      add('package_bytes', built.first.packed.sizeBytes);
      add('native_bytes', await closureBytes(debian));
      add('build_s', built.buildS);
      // The first host makes what all functions share.
      await publishBoth(name, built, LINKS.at(-1)!);
      for (let repetition = 0; repetition < repetitions; repetition += 1) {
        const { v1, v2 } = await publishBoth(name, built, LINK);
        const transferS = await transferToOwnHostS(randomBytes(v1.bytes), LINK);
        add('publish_v1_bytes', v1.bytes);
        add('publish_v2_bytes', v2.bytes);
        add('v2_over_v1', v2.bytes / v1.bytes);
        add('ready_s', v1.readyS);
        add('transfer_s', transferS);
        add('ready_over_transfer', v1.readyS / transferS);
        const deployed = await deployFirst(name, built, LINK);
        add('deploy_ready_s', deployed.readyS);
        add('deploy_complete_s', deployed.completeS);
        say(
          `${title}: published: ready ${v1.readyS.toFixed(2)} s, transfer ${transferS.toFixed(2)}; deployed: ready ${deployed.readyS.toFixed(2)} s, complete ${deployed.completeS.toFixed(2)}; v1 ${v1.bytes} bytes, v2 ${v2.bytes}`,
        );
      }
    }
    return {
      accelerator,
      figures: samples.figures(),
      notes: [
        'Programs of Debian, unmodified, built by `cloudlet build --command`; build_s is that build from the unpacked source, its configure script in it, once.',
        'native_bytes: the archives that apt downloads to have the same program, and its data, on a system that has nothing; libraries down to the libc are in it, what is only recommended is not.',
        'publish_*_bytes: all that passed the link to the host, with what HTTP adds; v2 is the same program with one more check in its main function, built anew and pushed to the host that has v1.',
        'ready_over_transfer: from the push of a publish to ready, when all of it is there, by the seconds that as many bytes take over the same link to a host that does nothing with them. The host has its base image and nothing of the function.',
        'deploy_ready_s: until it answers calls, when it is deployed: who reads a file that is not there yet waits for it; deploy_complete_s: until all of it is there.',
      ],
    };
  },
};

export default benchmark;
