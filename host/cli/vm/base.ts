import type { Command } from 'commander';
import { CloudletError } from '../../../guest-sdk/protocol/index.ts';
import type { BaseStage, ListedVmImage } from '../../../runtime/index.ts';
import { hostConfig } from '../../config.ts';
import { formatAge } from '../terminal/age.ts';
import { showProgress } from '../terminal/progress.ts';
import { formatSize, shortDigest } from '../terminal/size.ts';
import { table } from '../terminal/table.ts';
import { typed, UsageError } from '../usage-error.ts';
import type { Verb, VerbContext } from '../verb.ts';
import { meantVm, openSavedVms, type SavedVmFlags } from './saved-vm.ts';

interface BuildFlags extends SavedVmFlags {
  readonly memory?: string;
  readonly include?: readonly string[];
  readonly stockKernel?: boolean;
}

/** What a build does, for people. */
const STAGES: Readonly<Record<BaseStage, string>> = {
  packages: 'finding packages',
  install: 'installing Debian',
  disk: 'writing its disk',
  kernel: 'fetching its kernel',
  boot: 'booting it',
  save: 'saving it',
};

const verb: Verb = (vm, context) => {
  const base = vm.command('base').description('base VMs: what overlays and recipes start from');
  withFlags(base.command('build'))
    .description('build a base VM from Debian packages, unless it is there')
    .option('--memory <mib>', 'memory of the VM, MiB (default 384)')
    .option('--include <package...>', 'Debian packages beside the essential ones')
    .option(
      '--stock-kernel',
      'do not clear freed memory, for comparisons: overlays on it are larger, and it has to be named',
    )
    .action((flags: BuildFlags) => build(flags, context));
  withFlags(base.command('ls')).description('list base VMs').action(list);
  withFlags(base.command('export'))
    .description('write a base VM to one file, for another cloudlet')
    .argument('<digest>', 'its digest, or the begin of it')
    .argument('<file>', 'file to write')
    .action((digest: string, file: string, flags: SavedVmFlags) => exportTo(digest, file, flags, context));
  withFlags(base.command('import'))
    .description('take a base VM from such a file')
    .argument('<file>', 'file to read')
    .option('--digest <digest>', 'take no other base VM than this')
    .action((file: string, flags: SavedVmFlags & { digest?: string }) => importFrom(file, flags, context));
  withFlags(base.command('rm'))
    .description('remove a base VM that nothing lies on')
    .argument('<digest>', 'its digest, or the begin of it')
    .action(remove);
};

function withFlags(command: Command): Command {
  return command
    .option('--cache <directory>', 'where saved VMs live')
    .option('--accel <which>', 'auto, kvm or tcg')
    .option('--json', 'print JSON');
}

async function build(flags: BuildFlags, { interruption }: VerbContext): Promise<void> {
  const { ensureBaseVmApart } = await import('../../../runtime/index.ts');
  const { cacheDir, accel } = typed(() => hostConfig({ cache: flags.cache, accel: flags.accel }));
  const memory = flags.memory === undefined ? {} : { memoryMib: mibOf(flags.memory) };
  const progress = showProgress('base VM');
  const startedAt = performance.now();
  const image = await ensureBaseVmApart({
    ...{ cacheDir, accel, ...memory, include: flags.include ?? [], initOnFree: flags.stockKernel !== true },
    onProgress: (stage) => progress.stage(STAGES[stage]),
    signal: interruption(),
  })
    .catch((error: unknown) => {
      if (error instanceof CloudletError && error.code === 'request-invalid') throw new UsageError(error.message);
      throw error;
    })
    .finally(progress.clear);
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  if (flags.json) return console.log(JSON.stringify({ digest: image.digest, path: image.directory }));
  console.log(`base VM ${shortDigest(image.digest)} in ${image.directory} (${seconds} s)`);
}

function mibOf(text: string): number {
  if (!/^\d{1,6}$/.test(text)) throw new UsageError(`expected --memory in MiB, got "${text}"`);
  return Number(text);
}

async function bases(flags: SavedVmFlags): Promise<readonly ListedVmImage[]> {
  return (await (await openSavedVms(flags)).list()).filter(({ manifest }) => manifest.kind === 'base');
}

async function list(flags: SavedVmFlags): Promise<void> {
  const found = await bases(flags);
  if (flags.json) return console.log(JSON.stringify({ bases: found.map(described) }));
  if (found.length === 0) return console.error('no base VM yet; make one with: npx cloudlet vm base build');
  const now = Date.now();
  const rows = found.map(({ digest, manifest, bytes, usedAt, inUse, unusable }) => [
    shortDigest(digest),
    `${manifest.conditions.memoryMib} MiB`,
    formatSize(bytes),
    `${formatAge(now - usedAt)} ago`,
    unusable !== null ? 'of another computer' : inUse ? 'in use' : 'ready',
    manifest.about,
  ]);
  console.log(table([['DIGEST', 'MEMORY', 'ON DISK', 'USED', 'STATE', 'CONTENT'], ...rows]).join('\n'));
}

function described({ digest, manifest, bytes, usedAt, madeAt, inUse, unusable }: ListedVmImage) {
  const { about, conditions, diskBytes } = manifest;
  const at = (time: number | null) => (time === null ? null : new Date(time).toISOString());
  return {
    ...{ digest, about, memoryMib: conditions.memoryMib, diskBytes, bytes },
    ...{ madeAt: at(madeAt), usedAt: at(usedAt), inUse, unusable, conditions },
  };
}

async function exportTo(text: string, file: string, flags: SavedVmFlags, context: VerbContext): Promise<void> {
  const { exportImage } = await import('../../../runtime/index.ts');
  const store = await openSavedVms(flags);
  const { digest } = meantVm(
    (await store.list()).filter(({ manifest }) => manifest.kind === 'base'),
    text,
  );
  const signal = context.interruption();
  const held = await store.hold(digest, signal);
  if (held === null) throw new CloudletError('base-unknown', `the base VM ${digest} was removed just now`);
  const progress = showProgress(shortDigest(digest));
  progress.stage('writing');
  try {
    const bytes = await exportImage(held.image, file, { onProgress: progress.amount, signal });
    progress.clear();
    if (flags.json) console.log(JSON.stringify({ digest, file, bytes }));
    else console.log(`${file}: base VM ${shortDigest(digest)}, ${formatSize(bytes)}`);
  } finally {
    progress.clear();
    await held.release();
  }
}

async function importFrom(
  file: string,
  flags: SavedVmFlags & { digest?: string },
  context: VerbContext,
): Promise<void> {
  const { importBaseFile } = await import('./import-file.ts');
  const store = await openSavedVms(flags);
  const image = await importBaseFile(store, file, flags.digest, context.interruption());
  if (flags.json) console.log(JSON.stringify({ digest: image.digest, path: image.directory }));
  else console.log(`base VM ${shortDigest(image.digest)} in ${image.directory}`);
}

async function remove(text: string, flags: SavedVmFlags): Promise<void> {
  const store = await openSavedVms(flags);
  const { digest } = meantVm(
    (await store.list()).filter(({ manifest }) => manifest.kind === 'base'),
    text,
  );
  await store.remove(digest);
  if (flags.json) console.log(JSON.stringify({ digest }));
  else console.log(`base VM ${shortDigest(digest)} is removed`);
}

export default verb;
