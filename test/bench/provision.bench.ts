import type { FunctionName } from '../../guest-sdk/protocol/index.ts';
import { parseName } from '../../guest-sdk/protocol/index.ts';
import { type Deployable, deployable } from '../../host/cli/deploy/deployable.ts';
import { deploying } from '../../host/cli/deploy/deploying.ts';
import type { Benchmark } from './run.ts';
import { type Application, chosenApplications, projectOf } from './synthesis/applications.ts';
import { LINKS, type Link } from './synthesis/links.ts';
import { CHARTED, Samples } from './synthesis/measured.ts';
import { packedComponent } from './synthesis/packed-component.ts';
import { type Bases, BENCH_CACHE, keptSteps, prepareBases } from './synthesis/prepared.ts';
import { type Device, forgetFunctions, ProvisionHost } from './synthesis/provision-host.ts';

const MIB = 2 ** 20;
const REPETITIONS = 10;
const ON_DEMAND_REPETITIONS = 3;

/** What is in a file or folder, packed. */
function prepared(what: string, words: { name: string; service?: boolean }): Promise<Deployable> {
  const { signal } = new AbortController();
  return deployable(what, words, () => Promise.reject(new Error('it is here')), signal);
}

/** Deploys what was prepared, and gives the way that was taken; `ready` is told when it can be used, which may be before the end. */
async function deploy(
  device: Device,
  found: Deployable,
  ready: () => void = () => {},
): Promise<{ rung: string; sent: number }> {
  try {
    for await (const news of deploying(device.client, found, {}, new AbortController().signal)) {
      if (news.kind === 'event' && news.event.event === 'state' && news.event.data.stage === 'ready') ready();
      if (news.kind !== 'ended') continue;
      if (news.deployment.problem !== undefined) throw new Error(news.deployment.problem.detail);
      return { rung: news.deployment.rung, sent: news.sentBytes };
    }
    throw new Error('a deployment ended without its end');
  } finally {
    await found.close();
  }
}

/** A component pushed to a host that knows nothing of it, up to its answer. */
async function component(application: Application, file: string, { shape }: Link) {
  const { name, question } = application;
  await forgetFunctions(BENCH_CACHE);
  const host = await ProvisionHost.rested(BENCH_CACHE);
  const device = await host.device(shape);
  const packed = await prepared(file, { name });
  try {
    const began = performance.now();
    const since = () => (performance.now() - began) / 1000;
    const ready = Promise.withResolvers<void>();
    const complete = deploy(device, packed, ready.resolve).then((end) => ({ ...end, completeS: since() }));
    await Promise.race([ready.promise, complete]);
    const readyS = since();
    const answer = await device.client.run(parseName(name), question.args, question.input);
    for await (const _ of answer.body) {
      // Read to its end: that is the answer.
    }
    const firstAnswerS = since();
    const { rung, sent, completeS } = await complete;
    if (rung !== 'package') throw new Error(`expected a package to be sent, got the rung ${rung}`);
    return { readyS, firstAnswerS, completeS, sent, overLink: device.sent() };
  } finally {
    await device.close();
    await host.stop();
  }
}

/** A recipe at a host that has its base VM, then again when its VM has ended, then starts of the cached VM. */
async function onDemand(application: Application, bases: Bases, starts: number) {
  const { name } = application;
  await forgetMade(bases);
  const host = await ProvisionHost.start(BENCH_CACHE);
  const device = await host.device(null);
  const service = name as FunctionName;
  const answered = async () => {
    const status = await device.ask(`/s/${name}/`);
    if (status !== 200) throw new Error(`expected ${name} to answer 200, got ${status}`);
  };
  try {
    let began = performance.now();
    const first = await deploy(device, await prepared(projectOf(application), { name, service: true }));
    if (first.rung !== 'on-demand') throw new Error(`expected the recipe to be run, got the rung ${first.rung}`);
    await answered();
    const onDemandS = (performance.now() - began) / 1000;
    await device.client.services.stop(service);
    began = performance.now();
    const again = await deploy(device, await prepared(projectOf(application), { name, service: true }));
    if (again.rung !== 'cached') throw new Error(`expected a cached VM, got the rung ${again.rung}`);
    await answered();
    const onDemandCachedMs = performance.now() - began;
    const cachedMs: number[] = [];
    for (let start = 0; start < starts; start += 1) {
      await device.client.services.stop(service);
      began = performance.now();
      await answered();
      cachedMs.push(performance.now() - began);
    }
    return { onDemandS, onDemandCachedMs, cachedMs };
  } finally {
    await device.close();
    await host.stop();
  }
}

/** Removes services that were made on the base VM: the next one is made anew. */
async function forgetMade({ images, base }: Bases): Promise<void> {
  for (const { digest, manifest } of await images.list())
    if (manifest.kind === 'service' && manifest.base === base.digest) await images.remove(digest);
}

const benchmark: Benchmark = {
  title:
    'three applications provisioned as component, cached VM and on demand [--application NAME] [--repetitions N] [--minutes N]',
  async run(say, { repetitions = REPETITIONS, minutes, application: only }) {
    const chosen = chosenApplications(only);
    const bases = await prepareBases(say);
    const samples = new Samples(await keptSteps('provision', bases, minutes));
    await samples.kept('provision', chosen, async () => {
      for (const application of chosen) {
        const { name } = application;
        const { file } = await packedComponent(application, say);
        for (let repetition = 1; repetition <= Math.min(repetitions, ON_DEMAND_REPETITIONS); repetition += 1) {
          const starts = repetition === 1 ? repetitions : 0;
          await samples.step(
            `${name}, on demand, repetition ${repetition} with ${starts} starts`,
            name,
            async (add) => {
              const made = await onDemand(application, bases, starts);
              add('on_demand_s', made.onDemandS);
              add('on_demand_cached_ms', made.onDemandCachedMs);
              for (const ms of made.cachedMs) add('cached_first_answer_ms', ms);
              say(
                `${name}: on demand ${made.onDemandS.toFixed(1)} s, again ${made.onDemandCachedMs.toFixed(0)} ms, cached ${made.cachedMs.map((ms) => ms.toFixed(0)).join(' ')}`,
              );
            },
          );
        }
        // The first host makes what all functions share.
        let isFirst = true;
        for (const link of LINKS)
          for (let repetition = 1; repetition <= repetitions; repetition += 1)
            await samples.step(`${name}, ${link.name}, repetition ${repetition}`, name, async (add) => {
              if (isFirst) await component(application, file, LINKS.at(-1)!);
              isFirst = false;
              const { readyS, firstAnswerS, completeS, sent, overLink } = await component(application, file, link);
              if (repetition === 1 && link.shape === null) add('component_package_mib', sent / MIB);
              if (repetition === 1 && link.name === CHARTED) add('component_over_link_mib', overLink! / MIB);
              add('component_ready_s', readyS, link.name);
              add('component_first_answer_s', firstAnswerS, link.name);
              add('component_complete_s', completeS, link.name);
              say(
                `${name} ${link.name}: component ready ${readyS.toFixed(2)} s, first answer ${firstAnswerS.toFixed(2)}, complete ${completeS.toFixed(2)}`,
              );
            });
      }
    });
    return {
      accelerator: bases.accelerator.kind,
      figures: samples.figures(),
      notes: [
        'component_*: a package sent in parts to a host that has run for 8 s, as with overlays, and has its base image and nothing of the function; the answer is to the smallest question that the program has.',
        'The device takes it that the host has nothing of the component, and sends without asking; `cloudlet deploy` asks once before, a round trip more.',
        'component_ready_s: it answers calls; component_complete_s: all of its data is there, too. Who asks meanwhile waits for the files that it reads.',
        'component_over_link_mib: what of the package passed a link of 15 Mbit/s, with all that HTTP adds: code and some data go in gzip.',
        'on_demand_s: the recipe of the example, up to the answer of its server to its probe; packages come from the mirror of this computer, at whatever speed that has.',
        'on_demand_cached_ms: the same deployment when its VM has ended. cached_first_answer_ms: a request to a service of which no VM runs, up to its answer.',
      ],
    };
  },
};

export default benchmark;
