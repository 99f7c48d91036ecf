import { execFile, spawn } from 'node:child_process';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { PROXY_PORT } from '../vm.ts';
import { type AptSource, sourcesText } from './apt-sources.ts';
import { putLists, releaseFiles } from './base-lists.ts';
import { MERGED } from './package-list.ts';

/** What nobody reads in a VM. */
const EXCLUDED = [
  '/usr/share/doc/*',
  '/usr/share/man/*',
  '/usr/share/info/*',
  '/usr/share/locale/*',
  '/usr/share/lintian/*',
];

/** Hooks of mmdebstrap that make `/bin` one with `/usr/bin`, without the tool that does so later and needs Perl. */
const MERGED_HOOKS = '/usr/share/mmdebstrap/hooks/merged-usr';

const PROXY = `http://127.0.0.1:${PROXY_PORT}`;

/** Packages are fetched by the VM's proxy, and nobody is asked or told anything. */
const APT_SETTINGS = `Acquire::http::Proxy "${PROXY}";
Acquire::https::Proxy "${PROXY}";
Acquire::Languages "none";
APT::Install-Recommends "false";
APT::Install-Suggests "false";
Dpkg::Use-Pty "false";
Binary::apt-get::APT::Keep-Downloaded-Packages "false";
`;

/** A VM that is torn down, or saved as it is, needs no write to be on disk. */
const DPKG_SETTINGS = ['force-unsafe-io', ...EXCLUDED.map((path) => `path-exclude=${path}`)];

/** What differs from one build to the next and is made anew when it is missing. */
const LEFT_OUT = [
  'etc/resolv.conf',
  'etc/hostname',
  'etc/passwd-',
  'etc/group-',
  'etc/shadow-',
  'etc/gshadow-',
  'etc/subuid-',
  'etc/subgid-',
  'var/cache/ldconfig/aux-cache',
  'var/cache/debconf/config.dat-old',
  'var/cache/debconf/templates.dat-old',
  'var/lib/dpkg/status-old',
  'var/lib/dpkg/diversions-old',
  'var/lib/dpkg/available-old',
] as const;

/** How the files of a base VM are made. */
export interface BaseTreeOptions {
  /** Name of Debian's release, such as `bookworm`. */
  readonly release: string;
  readonly sources: readonly AptSource[];
  /** Packages beside the essential ones. */
  readonly include: readonly string[];
  readonly signal?: AbortSignal;
}

/** Has mmdebstrap install Debian into a new directory, as root, and makes of it what a VM starts with. */
export async function makeBaseTree(directory: string, options: BaseTreeOptions): Promise<void> {
  const list = `${directory}.sources`;
  await writeFile(list, sourcesText(options.sources));
  try {
    await installDebian(directory, list, options);
    await adjust(directory);
    await putLists(directory, options.sources, options.signal);
  } finally {
    await rm(list, { force: true });
  }
}

async function installDebian(directory: string, list: string, options: BaseTreeOptions): Promise<void> {
  const lists = options.sources.flatMap((source) => source.lists);
  const args = ['--mode=root', '--variant=apt', '--format=directory', '--quiet'];
  // From the lists that this computer has: what is installed is what was resolved.
  args.push(
    '--skip=update',
    `--setup-hook=cp ${[...lists, ...releaseFiles(options.sources)].map(quoted).join(' ')} "$1"/var/lib/apt/lists/`,
  );
  args.push(`--hook-dir=${MERGED_HOOKS}`, `--include=${[MERGED[0], ...options.include].join(',')}`);
  for (const setting of DPKG_SETTINGS) args.push(`--dpkgopt=${setting}`);
  await runConfined('mmdebstrap', [...args, options.release, directory, list], options.signal);
}

const quoted = (path: string) => `'${path.replaceAll("'", "'\\''")}'`;

/** With these, whatever a program starts and mounts ends with it. */
const CONFINED = ['--mount', '--mount-proc', '--pid', '--fork', '--kill-child', '--'];

/** Runs a program that installs: killed, with all that it started, when `signal` aborts. Its failure quotes the end of what it said. */
async function runConfined(program: string, args: readonly string[], signal: AbortSignal | undefined): Promise<void> {
  signal?.throwIfAborted();
  // In a container that may not make namespaces mmdebstrap does without mounts.
  const [command, before] = (await mayConfine()) ? ['unshare', [...CONFINED, program]] : [program, []];
  const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C.UTF-8', DEBIAN_FRONTEND: 'noninteractive' };
  const child = spawn(command, [...before, ...args], { stdio: ['ignore', 'ignore', 'pipe'], env });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-2000);
  });
  const kill = () => child.kill('SIGKILL');
  signal?.addEventListener('abort', kill, { once: true });
  try {
    const end = await new Promise<number | string | null>((resolve) => {
      child.once('error', (error) => resolve(error.message));
      child.once('close', (code, killedBy) => resolve(code ?? killedBy));
    });
    signal?.throwIfAborted();
    if (end !== 0) throw new Error(`${program} ended with ${end}: ${said.trim().slice(-1000) || 'nothing was said'}`);
  } finally {
    signal?.removeEventListener('abort', kill);
  }
}

function mayConfine(): Promise<boolean> {
  return new Promise((resolve) => {
    execFile('unshare', [...CONFINED, 'true'], (error) => resolve(error === null));
  });
}

async function adjust(tree: string): Promise<void> {
  const write = async (path: string, text: string, mode = 0o644) => {
    await mkdir(join(tree, dirname(path)), { recursive: true });
    await writeFile(join(tree, path), text, { mode });
  };
  for (const path of LEFT_OUT) await rm(join(tree, path), { force: true });
  for (const directory of ['var/log', 'var/cache/apt', 'var/lib/apt/lists', 'tmp', 'run'])
    await empty(join(tree, directory));
  await write('etc/hostname', 'vm\n');
  await write('etc/hosts', '127.0.0.1 localhost vm\n');
  await write('etc/fstab', '');
  await write('etc/machine-id', '');
  await write('etc/apt/apt.conf.d/90cloudlet', APT_SETTINGS);
  // Nothing starts because it is installed: what runs in a service VM is what its service says.
  await write('usr/sbin/policy-rc.d', '#!/bin/sh\nexit 101\n', 0o755);
}

/** Removes the files in a directory; the directories stay. */
async function empty(directory: string): Promise<void> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch(() => []);
  for (const entry of entries) {
    if (!entry.isDirectory()) await rm(join(entry.parentPath, entry.name), { force: true });
  }
}
