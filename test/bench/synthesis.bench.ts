import { readFile } from 'node:fs/promises';
import { type FunctionName, hexOf } from '../../guest-sdk/protocol/index.ts';
import { deployable } from '../../host/cli/deploy/deployable.ts';
import { deploying } from '../../host/cli/deploy/deploying.ts';
import { openOverlayFile } from '../../runtime/provision/overlay/overlay-file.ts';
import type { Benchmark } from './run.ts';
import { type Application, chosenApplications } from './synthesis/applications.ts';
import { nameOf, percentile, sortedValues } from './synthesis/kept-results.ts';
import { LINKS, type Link } from './synthesis/links.ts';
import { type AddSample, Samples } from './synthesis/measured.ts';
import { type NaiveRun, naiveRuns, transferS } from './synthesis/naive-synthesis.ts';
import { packedComponent } from './synthesis/packed-component.ts';
import { type Bases, BENCH_CACHE, keptSteps, prepare, prepareBases } from './synthesis/prepared.ts';
import { ProvisionHost } from './synthesis/provision-host.ts';
import { measuredTransferS, transferToOwnHostS } from './synthesis/transfer.ts';

const MIB = 2 ** 20;
const REPETITIONS = 10;
const NAIVE_REPETITIONS = 3;
/** How often bytes alone are sent over a link, which takes them as long each time. */
const TRANSFERS = 3;
/** How often it is asked whether the server answers already, once it is said to serve. */
const ASK_MS = 2;

/** One synthesis over a link by a real host that rested, from the question to the first answer and to the end; then the service is gone. */
async function pipelined(
  host: ProvisionHost,
  { name }: Application,
  overlay: string,
  { shape }: Link,
): Promise<{ readonly firstAnswerS: number; readonly totalS: number }> {
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
    const firstAnswerS = await answered!;
    await device.client.services.remove(name as FunctionName);
    return { firstAnswerS, totalS };
  } finally {
    await found.close();
    await device.close();
    host.worked();
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
    await samples.kept('synthesis', chosen, async () => {
      for (const application of chosen) {
        const { name } = application;
        const { overlay, stockImage } = await prepare(application, bases, say);
        const bytes = new Uint8Array(await readFile(overlay));
        const { dataBytes } = await packedComponent(application, say);
        const naiveRepetitions = Math.min(repetitions, NAIVE_REPETITIONS);
        await samples.step(`${name}, naive, ${naiveRepetitions} times`, name, async (add) => {
          const naive = await naiveRuns(bases, stockImage, naiveRepetitions);
          add('overlay_mib', bytes.length / MIB);
          add('naive_overlay_mib', naive.packedBytes / MIB);
          add('naive_raw_mib', naive.rawBytes / MIB);
          add('data_mib', dataBytes / MIB);
          say(`${name}: overlay ${mib(bytes.length)}, naive ${mib(naive.packedBytes)} of ${mib(naive.rawBytes)}`);
          await addNaive(add, naive, bytes);
        });
        for (const link of LINKS)
          await overLink(samples, { application, bases, overlay, bytes, link, repetitions, say });
      }
    });
    return {
      accelerator: bases.accelerator.kind,
      figures: samples.figures(),
      notes: [
        'An application is installed by the recipe of its example; a first answer is that of its server to its probe, through the host and the link.',
        'Each link has a host of its own with nothing but the base VM; before each repetition it has rested for 8 s, so that a blank VM waits, and has nothing of the one before. transfer_s sends the bytes of the same overlay to the same host, which does nothing with them, three times; pipelined_over_transfer is by their median.',
        'naive_*: the kernel as it is by default, saved as quiet as ours, all changed pages and blocks, zstd -3 as one piece; received, expanded, applied, resumed one after the other. Its transfer is computed from its bytes, all else is measured.',
        'Links are token buckets in this process, one for each direction; the round trip is that of the link alone.',
      ],
    };
  },
};

/** Naive first answers, by links: its bytes on their way, then its stages as measured. */
async function addNaive(add: AddSample, { packedBytes, appliedS }: NaiveRun, bytes: Uint8Array): Promise<void> {
  for (const link of LINKS) {
    // Over the loopback the bytes themselves take no time that counts beside the rest.
    const sentS =
      link.shape === null
        ? ((await transferToOwnHostS(bytes, link)) * packedBytes) / bytes.length
        : transferS(packedBytes, link.shape);
    for (const applied of appliedS) add('naive_first_answer_s', sentS + applied, link.name, 'projected');
  }
}

/** What is measured over one link. */
interface OverLink {
  readonly application: Application;
  readonly bases: Bases;
  readonly overlay: string;
  readonly bytes: Uint8Array;
  readonly link: Link;
  readonly repetitions: number;
  readonly say: (line: string) => void;
}

/** Measures the repetitions over one link that were not measured before, at one host. */
async function overLink(
  samples: Samples,
  { application, bases, overlay, bytes, link, repetitions, say }: OverLink,
): Promise<void> {
  const { name } = application;
  let host: ProvisionHost | null = null;
  try {
    for (let repetition = 1; repetition <= repetitions; repetition += 1)
      await samples.step(`${name}, ${link.name}, repetition ${repetition}`, name, async (add) => {
        host ??= await ProvisionHost.start(BENCH_CACHE);
        const sent = sortedValues(
          samples.all.filter(
            (each) => each.figure === 'transfer_s' && nameOf(each).startsWith(`${name}_${link.name}_`),
          ),
        );
        if (repetition <= TRANSFERS) {
          // While it rests: it has nothing else to do with it.
          const sentS = await measuredTransferS(host, bytes, link);
          add('transfer_s', sentS, link.name);
          sent.push(sentS);
        }
        const sentS = percentile(
          sent.sort((a, b) => a - b),
          0.5,
        );
        await host.rest();
        const { firstAnswerS, totalS } = await pipelined(host, application, overlay, link);
        await forget(bases, overlay);
        add('pipelined_first_answer_s', firstAnswerS, link.name);
        add('pipelined_total_s', totalS, link.name);
        add('pipelined_over_transfer', totalS / sentS, link.name);
        if (link.shape === null) add('apply_overhead_ms', (totalS - sentS) * 1000);
        say(
          `${name} ${link.name}: transfer ${sentS.toFixed(2)} s, first answer ${firstAnswerS.toFixed(2)}, all ${totalS.toFixed(2)}`,
        );
      });
  } finally {
    await (host as ProvisionHost | null)?.stop();
  }
}

function mib(bytes: number): string {
  return `${(bytes / MIB).toFixed(1)} MiB`;
}

export default benchmark;
