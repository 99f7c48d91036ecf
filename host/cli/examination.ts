import { constants } from 'node:fs';
import { access, mkdir } from 'node:fs/promises';
import { createServer } from 'node:net';
import {
  findClang,
  findRust,
  INSTALL_C_TOOLS,
  INSTALL_CXX_TOOLS,
  INSTALL_PROGRAM_TOOLS,
  INSTALL_RUST_TOOLS,
  missingProgramTools,
} from '../../guest-sdk/build/index.ts';
import { asCloudletError } from '../../guest-sdk/protocol/index.ts';
import {
  chooseAccelerator,
  describeAccelerator,
  describeHardening,
  INSTALL_QEMU,
  listImages,
  missingForBaseVm,
  missingForImage,
  openVmImages,
  qemuVersion,
} from '../../runtime/index.ts';
import type { HostConfig } from '../config.ts';

/** One thing that a cloudlet needs or can use, and how this machine stands. */
export interface Finding {
  readonly what: string;
  /** `bad`: a cloudlet cannot serve as configured; `warning`: it serves with less. */
  readonly state: 'good' | 'warning' | 'bad';
  readonly detail: string;
  /** What to do about it, for anything but `good`. */
  readonly remedy?: string;
}

/** Looks at everything a host with this configuration would use. Never rejects. */
export async function examine(config: HostConfig): Promise<Finding[]> {
  const findings = await Promise.all([
    node(),
    qemu(),
    accelerator(config),
    kvmDevice(),
    hardening(),
    memorySharing(config),
    baseImage(config),
    baseVms(config),
    toolchain('C', 'with wasi-libc', () => findClang('c'), INSTALL_C_TOOLS),
    toolchain('C++', 'with libc++', () => findClang('c++'), INSTALL_CXX_TOOLS),
    toolchain('Rust', 'builds its standard library', async () => (await findRust())?.rustc ?? null, INSTALL_RUST_TOOLS),
    programs(),
    notBuilt('Go', 'Debian has Go 1.19 and the first with WASI is 1.21: build with another, and publish its .wasm'),
    notBuilt(
      'Python',
      'componentize-py is not among the packages of npm and Debian: build with it elsewhere, and publish its .wasm',
    ),
    port(config),
    dataDirectory(config),
  ]);
  return findings;
}

function node(): Finding {
  return { what: 'Node', state: 'good', detail: `${process.version}, runs host, agent and tools` };
}

async function qemu(): Promise<Finding> {
  try {
    return { what: 'QEMU', state: 'good', detail: `version ${await qemuVersion()}` };
  } catch (error) {
    return {
      what: 'QEMU',
      state: 'bad',
      detail: asCloudletError(error).message,
      remedy: `${INSTALL_QEMU}, or serve with --sandbox process`,
    };
  }
}

async function accelerator(config: HostConfig): Promise<Finding> {
  try {
    await mkdir(config.cacheDir, { recursive: true });
    const found = describeAccelerator(await chooseAccelerator({ cacheDir: config.cacheDir, choice: config.accel }));
    if (found.isolates) return { what: 'accelerator', state: 'good', detail: `${found.kind}: ${found.meaning}` };
    const remedy = 'use a machine whose KVM runs guests for speed and isolation';
    return { what: 'accelerator', state: 'warning', detail: `${found.kind}: ${found.meaning}`, remedy };
  } catch (error) {
    return { what: 'accelerator', state: 'bad', detail: asCloudletError(error).message, remedy: INSTALL_QEMU };
  }
}

async function kvmDevice(): Promise<Finding> {
  try {
    await access('/dev/kvm', constants.R_OK | constants.W_OK);
    return {
      what: '/dev/kvm',
      state: 'good',
      detail:
        'opens for this user (whether machines may use it, and it runs guests, is what the accelerator line says)',
    };
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    const detail = missing ? 'is not there' : 'may not be opened by this user';
    const remedy = missing
      ? 'enable virtualization in the firmware, and nested virtualization in a virtual machine'
      : 'add this user to the group kvm';
    return { what: '/dev/kvm', state: 'warning', detail, remedy };
  }
}

async function hardening(): Promise<Finding> {
  try {
    const { applied, missing } = await describeHardening();
    if (missing.length === 0) return { what: 'hardening', state: 'good', detail: applied.join(', ') };
    const detail = `machines go without: ${missing.map(({ what, reason }) => `${what} (${reason})`).join('; ')}`;
    const remedy =
      process.getuid?.() === 0
        ? 'run the host outside a container, or in one that may make namespaces and control groups'
        : 'run the host as root: only root can give each machine a user and limits of its own';
    return { what: 'hardening', state: 'warning', detail, remedy };
  } catch (error) {
    return { what: 'hardening', state: 'warning', detail: asCloudletError(error).message, remedy: INSTALL_QEMU };
  }
}

/** How clones have the memory of their snapshot: QEMU itself maps it read-only from version 8.2 on. */
function memorySharing({ isolation }: HostConfig): Finding {
  const how = 'mapped read-only by every version of QEMU, through descriptors that cannot write';
  const detail =
    isolation === 'shared'
      ? `memory shared between the clones of one, ${how}; --isolation dedicated shares nothing`
      : `memory copied for each clone, ${how}: no page is shared`;
  return { what: 'snapshots', state: 'good', detail };
}

async function baseImage(config: HostConfig): Promise<Finding> {
  const missing = missingForImage();
  if (missing.length > 0) {
    return {
      what: 'base image',
      state: 'bad',
      detail: 'cannot be built',
      remedy: `apt-get install -y --no-install-recommends ${missing.join(' ')}`,
    };
  }
  const images = await listImages(config.cacheDir);
  if (images.length === 0)
    return { what: 'base image', state: 'warning', detail: 'not built yet', remedy: 'npx cloudlet image build' };
  const built = images.map(({ kernel, node }) => `${kernel}, Node ${node}`);
  return { what: 'base image', state: 'good', detail: built.join('; ') };
}

/** Whether native servers can be served: their VMs are made on a base VM, built here or imported. */
async function baseVms(config: HostConfig): Promise<Finding> {
  const missing = missingForBaseVm();
  const store = await openVmImages({ cacheDir: config.cacheDir, accel: config.accel }).catch(() => null);
  const bases = ((await store?.list()) ?? []).filter((each) => each.manifest.kind === 'base' && each.unusable === null);
  const found = bases.map(({ manifest }) => manifest.about).join('; ');
  if (bases.length > 0) return { what: 'base VMs', state: 'good', detail: found };
  if (missing === null) {
    const remedy = 'npx cloudlet vm base build';
    return { what: 'base VMs', state: 'warning', detail: 'none yet: native servers cannot be served', remedy };
  }
  const detail = 'none, and none can be built here: native servers cannot be served';
  const install = `apt-get install -y --no-install-recommends ${missing.packages.join(' ')}`;
  const remedy = missing.other ?? install;
  return { what: 'base VMs', state: 'warning', detail, remedy: `${remedy}, or: npx cloudlet vm base import FILE` };
}

/** Whether functions in a language can be built here. */
async function toolchain(
  language: string,
  library: string,
  find: () => Promise<string | null>,
  install: string,
): Promise<Finding> {
  const what = `${language} toolchain`;
  const found = await find();
  if (found !== null) return { what, state: 'good', detail: `${found}, ${library}` };
  const detail = `is missing: functions in ${language} cannot be built here`;
  return { what, state: 'warning', detail, remedy: install };
}

/** Whether existing programs can be built by their own means. */
async function programs(): Promise<Finding> {
  const what = 'existing programs';
  const missing = await missingProgramTools();
  if (missing === null) return { what, state: 'good', detail: 'build --command has its compiler, archiver and linker' };
  const detail = `cannot be built by build --command, which lacks ${missing}`;
  return { what, state: 'warning', detail, remedy: INSTALL_PROGRAM_TOOLS };
}

/** A language whose components run here, and for which no toolchain can be had by the packages that this project uses. */
function notBuilt(language: string, remedy: string): Finding {
  const what = `${language} toolchain`;
  return { what, state: 'warning', detail: `functions in ${language} run here, and cannot be built here`, remedy };
}

function port(config: HostConfig): Promise<Finding> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      const detail =
        error.code === 'EADDRINUSE' ? `${config.port} is in use, by a running cloudlet perhaps` : error.message;
      resolve({ what: 'port', state: 'warning', detail, remedy: 'choose another with --port' });
    });
    server.listen(config.port, config.bind, () => {
      server.close(() => resolve({ what: 'port', state: 'good', detail: `${config.port} is free` }));
    });
  });
}

async function dataDirectory(config: HostConfig): Promise<Finding> {
  try {
    await mkdir(config.dataDir, { recursive: true, mode: 0o700 });
    await access(config.dataDir, constants.W_OK);
    return { what: 'data', state: 'good', detail: config.dataDir };
  } catch (error) {
    return {
      what: 'data',
      state: 'bad',
      detail: `${config.dataDir}: ${(error as Error).message}`,
      remedy: 'choose another with --data',
    };
  }
}
