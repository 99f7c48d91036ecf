/**
 * What the benchmarks of provisioning share and make once: two base VMs, each application installed on both by its recipe, its overlay and its
 * component. It takes minutes and is kept in a cache of their own.
 */
import { execFile } from 'node:child_process';
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { readRecipeFile } from '../../../guest-sdk/build/index.ts';
import type { Digest } from '../../../guest-sdk/protocol/index.ts';
import { hostPolicy } from '../../../runtime/grant/index.ts';
import { type Accelerator, chooseAccelerator, computerConditions } from '../../../runtime/machine/index.ts';
import { createOverlay } from '../../../runtime/provision/overlay/create/create-overlay.ts';
import { type VmImage, VmImageStore } from '../../../runtime/vm/image/index.ts';
import { describeMachine } from '../machine.ts';
import { type Application, projectOf } from './applications.ts';
import { KeptSteps } from './kept-steps.ts';
import type { StepOptions } from './measured.ts';

const MAIN = fileURLToPath(new URL('../../../host/cli/main.ts', import.meta.url));

/** Where hosts of these benchmarks have their images and machines. */
export const BENCH_CACHE = join(tmpdir(), `cloudlet-bench-cache-${userInfo().uid}`);

/** The base VMs: ours, and one with the kernel as it is by default, for the naive overlay. */
export interface Bases {
  readonly images: VmImageStore;
  readonly accelerator: Accelerator;
  readonly base: VmImage;
  readonly stock: VmImage;
}

/** An application, ready to be provisioned in every way. */
export interface Prepared {
  /** The overlay's file. */
  readonly overlay: string;
  /** The service on the stock kernel's base, and the one that the overlay was made of. */
  readonly stockImage: VmImage;
}

const run = promisify(execFile);

/** Builds the base VMs, unless they are there. */
export async function prepareBases(say: (line: string) => void): Promise<Bases> {
  await mkdir(BENCH_CACHE, { recursive: true });
  const accelerator = await chooseAccelerator({ cacheDir: BENCH_CACHE, choice: 'auto' });
  const build = async (...flags: string[]): Promise<Digest> => {
    say(`base VM ${flags.join(' ')}`);
    const { stdout } = await run(process.execPath, [
      MAIN,
      'vm',
      'base',
      'build',
      '--json',
      '--cache',
      BENCH_CACHE,
      ...flags,
    ]);
    return (JSON.parse(stdout) as { digest: Digest }).digest;
  };
  const stock = await build('--stock-kernel');
  // The one that was used last is what recipes mean by the default.
  const base = await build();
  const images = await VmImageStore.open({
    directory: join(BENCH_CACHE, 'vm', 'images'),
    budgetBytes: Number.MAX_SAFE_INTEGER,
    computer: async () => computerConditions(accelerator),
  });
  return { images, accelerator, base: (await images.find(base))!, stock: (await images.find(stock))! };
}

/** What a benchmark measured so far, and when it is to end: kept beside what it is measured with, as long as computer, sources and bases are the same. */
export async function keptSteps(
  bench: string,
  { base, stock }: Bases,
  minutes: number | undefined,
): Promise<StepOptions> {
  const sources = await run('git', ['rev-parse', 'HEAD'], { cwd: fileURLToPath(new URL('.', import.meta.url)) }).then(
    ({ stdout }) => stdout.trim(),
    () => 'sources without git',
  );
  const what = [describeMachine(), sources, base.digest, stock.digest].join(' · ');
  const kept = await KeptSteps.open(join(BENCH_CACHE, `${bench}.steps`), what);
  return minutes === undefined ? { kept } : { kept, untilMs: performance.now() + minutes * 60_000 };
}

/** Installs an application on both bases and writes its overlay, unless that was done. */
export async function prepare(
  application: Application,
  { images, accelerator, base, stock }: Bases,
  say: (line: string) => void,
): Promise<Prepared> {
  const { recipe, parts } = await readRecipeFile(join(projectOf(application), 'recipe.json'));
  const get = async (digest: Digest) => parts.get(digest)!.read();
  const installed = async (on: VmImage): Promise<{ path: string; image: VmImage | null }> => {
    const path = join(BENCH_CACHE, `${application.name}-${on.digest.slice(7, 19)}.overlay`);
    const note = `${path}.image`;
    const known = await readFile(note, 'utf8').catch(() => null);
    const kept = known === null ? null : await images.find(known as Digest);
    // An overlay is all that is needed of what it was made of, which benchmarks remove.
    if ((kept !== null || on === base) && (await exists(path))) return { path, image: kept };
    say(`installing ${application.name}`);
    await rm(path, { force: true });
    await createOverlay({
      ...{ images, accelerator, path, about: application.name, policy: hostPolicy() },
      ...{ recipe: { ...recipe, base: on.digest }, parts: { get }, signal: new AbortController().signal },
    });
    const made = (await images.list()).filter(
      ({ manifest }) => manifest.kind === 'service' && manifest.base === on.digest,
    );
    const newest = made.sort((a, b) => b.usedAt - a.usedAt)[0]!;
    await writeFile(note, newest.digest);
    return { path, image: (await images.find(newest.digest))! };
  };
  const { path: overlay } = await installed(base);
  return { overlay, stockImage: (await installed(stock)).image! };
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
