import { readFile } from 'node:fs/promises';
import { hexOf } from '../../guest-sdk/protocol/index.ts';
import { deployable } from '../../host/cli/deploy/deployable.ts';
import { deploying } from '../../host/cli/deploy/deploying.ts';
import { openOverlayFile } from '../../runtime/provision/overlay/overlay-file.ts';
import type { Benchmark } from './run.ts';
import { type Application, chosenApplications, dataBytesOf } from './synthesis/applications.ts';
import { LINKS, type Link } from './synthesis/links.ts';
import { Samples } from './synthesis/measured.ts';
import { naiveRuns, transferS } from './synthesis/naive-synthesis.ts';
import { type Bases, BENCH_CACHE, buildComponent, keptSteps, prepare, prepareBases } from './synthesis/prepared.ts';
import { ProvisionHost } from './synthesis/provision-host.ts';
import { measuredTransferS } from './synthesis/transfer.ts';

const MIB = 2 ** 20;
const REPETITIONS = 10;
const NAIVE_REPETITIONS = 3;
/** How often it is asked whether the server answers already, once it is said to serve. */
const ASK_MS = 2;

/** One synthesis over a link by a real host, from the question to the first answer and to the end. */
async function pipelined(
  { name }: Application,
  overlay: string,
  { shape }: Link,
): Promise<{ readonly firstAnswerS: number; readonly totalS: number }> {
  const host = await ProvisionHost.rested(BENCH_CACHE);
  const device = await host.device(shape);
  const found = await deployable(overlay, { name }, () => Promise.reject(new Error('it is a file')), never());
  try {
    const began = performance.now();
    const since = () => (performance.now() - began) / 1000;
    let answered: Promise<number> | null = null;
    let totalS = Number.NaN;
    for await (const news of deploying(device.client, found, {}, never())) {
      if (news.kind === 'accepted' && news.deployment.rung !== 'overlay')
        throw new Error(`expected a synthesis, got the rung ${news.deployment.rung}`);
      const serves = news.kind === 'event' && news.event.event === 'state' && news.event.data.stage === 'serving';
      if (serves) answered ??= firstAnswer(() => device.ask(`/s/${name}/`)).then(since);
      if (news.kind !== 'ended') continue;
      if (news.deployment.problem !== undefined) throw new Error(news.deployment.problem.detail);
      totalS = since();
    }
    return { firstAnswerS: await answered!, totalS };
  } finally {
    await found.close();
    await device.close();
    await host.stop();
  }
}

async function firstAnswer(ask: () => Promise<number>): Promise<void> {
  while ((await ask()) !== 200) await new Promise((resolve) => setTimeout(resolve, ASK_MS));
}

/** Removes what a synthesis left as a cached VM, so that the next one is one. */
async function forget({ images }: Bases, overlay: string): Promise<void> {
  const file = await openOverlayFile(overlay);
  const key = hexOf(file.overlay.digest);
  await file.close();
  for (const { digest, manifest } of await images.list()) if (manifest.key === key) await images.remove(digest);
}

function never(): AbortSignal {
  return new AbortController().signal;
}

const benchmark: Benchmark = {
  title:
    'VM synthesis of three applications over four links, against the naive overlay [--application NAME] [--repetitions N] [--minutes N]',
  async run(say, { repetitions = REPETITIONS, minutes, application: only }) {
    const chosen = chosenApplications(only);
    const bases = await prepareBases(say);
    const samples = new Samples(await keptSteps('synthesis', bases, minutes));
    for (const application of chosen) {
      const { name } = application;
      const { overlay, stockImage } = await prepare(application, bases, say);
      const bytes = new Uint8Array(await readFile(overlay));
      const size = bytes.length;
      await buildComponent(application, say);
      const naiveRepetitions = Math.min(repetitions, NAIVE_REPETITIONS);
      await samples.step(`${name}, naive, ${naiveRepetitions} times`, name, async (add) => {
        const naive = await naiveRuns(bases, stockImage, naiveRepetitions);
        add('overlay_mib', size / MIB);
        add('naive_overlay_mib', naive.packedBytes / MIB);
        add('naive_raw_mib', naive.rawBytes / MIB);
        add('data_mib', (await dataBytesOf(application)) / MIB);
        say(`${name}: overlay ${mib(size)}, naive ${mib(naive.packedBytes)} of ${mib(naive.rawBytes)}`);
        for (const link of LINKS) {
          const loopbackS = link.shape === null ? await measuredTransferS(bytes, link) : null;
          for (const appliedS of naive.appliedS) {
            // Over the loopback the bytes themselves take no time that counts beside the rest.
            const sentS =
              link.shape === null ? (loopbackS! * naive.packedBytes) / size : transferS(naive.packedBytes, link.shape);
            add('naive_first_answer_s', sentS + appliedS, link.name, 'projected');
          }
        }
      });
      for (const link of LINKS)
        for (let repetition = 1; repetition <= repetitions; repetition += 1)
          await samples.step(`${name}, ${link.name}, repetition ${repetition}`, name, async (add) => {
            const sentS = await measuredTransferS(bytes, link);
            const { firstAnswerS, totalS } = await pipelined(application, overlay, link);
            await forget(bases, overlay);
            add('transfer_s', sentS, link.name);
            add('pipelined_first_answer_s', firstAnswerS, link.name);
            add('pipelined_total_s', totalS, link.name);
            add('pipelined_over_transfer', totalS / sentS, link.name);
            if (link.shape === null) add('apply_overhead_ms', (totalS - sentS) * 1000);
            say(
              `${name} ${link.name}: transfer ${sentS.toFixed(2)} s, first answer ${firstAnswerS.toFixed(2)}, all ${totalS.toFixed(2)}`,
            );
          });
    }
    if (only === undefined) await samples.keep('synthesis');
    return {
      accelerator: bases.accelerator.kind,
      figures: samples.figures(),
      notes: [
        'An application is installed by the recipe of its example; a first answer is that of its server to its probe, through the host and the link.',
        'Each repetition has a host of its own with nothing but the base VM, and has run for 8 s, so that a blank VM waits. transfer_s sends the bytes of the same overlay to the same host, which does nothing with them.',
        'naive_*: the kernel as it is by default, saved as quiet as ours, all changed pages and blocks, zstd -3 as one piece; received, expanded, applied, resumed one after the other. Its transfer is computed from its bytes, all else is measured.',
        'Links are token buckets in this process, one for each direction; the round trip is that of the link alone.',
      ],
    };
  },
};

function mib(bytes: number): string {
  return `${(bytes / MIB).toFixed(1)} MiB`;
}

export default benchmark;
