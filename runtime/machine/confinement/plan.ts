/**
 * What keeps a machine's QEMU apart from this computer, each by itself: a computer may refuse some. `user-namespace` is for a host
 * that is not root, who may do the rest only inside one.
 */
export const LAYERS = ['user-namespace', 'network', 'ipc', 'host-name', 'processes', 'root', 'user'] as const;

/** One layer of a machine's confinement. */
export type Layer = (typeof LAYERS)[number];

/** What a root of its own holds; all of it is seen where this computer has it, and cannot be written. */
export interface RootContent {
  readonly files: readonly string[];
  readonly folders: readonly string[];
  readonly devices: readonly string[];
}

/** What a plan is made from. */
export interface PlanFacts {
  readonly layers: readonly Layer[];
  /** Process id of the host. */
  readonly parent: number;
  /** User and group of this process: what a user namespace has, too. */
  readonly uid: number;
  readonly gid: number;
  /** Base of the machines' users. The user is the sum with a process id, which no other living process has. */
  readonly userBase: number;
  /** Groups that stay when the user changes. */
  readonly groups: readonly number[];
  readonly root: RootContent;
  /** Bytes of the largest file that QEMU may write. */
  readonly fileBytes: number;
}

/** Resource limits by Linux' numbers: no core file, which would hold the guest's memory. */
const RLIMIT = { fileBytes: 1, core: 4, processes: 6, files: 7 };
/** A machine has about 30 descriptors; each ring, port or disk takes a few more. */
const MAX_FILES = 512;
/** Threads of one machine: processors, input and output, and up to 64 for files. With a user of its own, they are that user's. */
export const MAX_THREADS = 160;

/** The plan that `spawner.c` follows before it runs a program; the order is what the kernel asks for. Pure. */
export function planWords({ layers, ...facts }: PlanFacts): string[] {
  const has = (layer: Layer) => layers.includes(layer);
  const when = (layer: Layer, ...words: string[]) => (has(layer) ? words : []);
  const identity = has('user') ? [String(facts.userBase), facts.groups.join(',') || '-'] : ['-', '-'];
  const limit = (resource: number, most: number) => ['limit', String(resource), String(most)];
  return [
    ...['parent', String(facts.parent)],
    ...limit(RLIMIT.core, 0),
    ...limit(RLIMIT.files, MAX_FILES),
    ...limit(RLIMIT.fileBytes, facts.fileBytes),
    ...when('user-namespace', 'unshare', 'user', 'map', String(facts.uid), String(facts.gid)),
    ...when('network', 'unshare', 'net'),
    ...when('ipc', 'unshare', 'ipc'),
    ...when('host-name', 'unshare', 'uts', 'hostname', 'machine'),
    ...when('root', 'unshare', 'mount'),
    // The process file system shows the processes of who mounts it: the root is made after the fork.
    ...when('processes', 'unshare', 'pid', 'fork', ...identity),
    ...when('root', ...rootWords(facts.root)),
    ...when('user', ...limit(RLIMIT.processes, MAX_THREADS)),
    ...['drop', ...identity],
    // After the user: the kernel forgets whose death ends a process when its user changes.
    'tie',
  ];
}

function rootWords({ files, folders, devices }: RootContent): string[] {
  return [
    'begin-root',
    ...files.flatMap((path) => ['file', path]),
    ...folders.flatMap((path) => ['folder', path]),
    ...devices.flatMap((path) => ['device', path]),
    'proc',
    'enter-root',
  ];
}

/** The layer that a step belongs to; null for what no machine goes without. Pure. */
export function layerOfStep(step: string, detail: string): Layer | null {
  switch (step) {
    case 'unshare':
      return NAMESPACE_LAYER[detail] ?? null;
    case 'map':
      return 'user-namespace';
    case 'hostname':
      return 'host-name';
    case 'fork':
      return 'processes';
    case 'begin-root':
    case 'file':
    case 'folder':
    case 'device':
    case 'proc':
    case 'enter-root':
      return 'root';
    case 'drop':
      return detail === '-' ? null : 'user';
    default:
      return null;
  }
}

const NAMESPACE_LAYER: Readonly<Record<string, Layer>> = {
  user: 'user-namespace',
  net: 'network',
  ipc: 'ipc',
  uts: 'host-name',
  mount: 'root',
  pid: 'processes',
};
