import type { VersionOutside } from './function/function-version.ts';
import type { PolicyFile } from './grant/index.ts';
import type { TraceSampler } from './invocation/trace.ts';
import type { CloudletObserver } from './observer.ts';
import type { DeploymentPatience } from './provision/index.ts';
import type { Clock, PoolLimits, SandboxKind } from './sandbox/index.ts';
import type { ServicesLimits, ServiceWorld } from './service/index.ts';
import { DEFAULT_VM_IMAGE_BYTES } from './vm/image/index.ts';

/** Which accelerator QEMU may use; `auto` trusts KVM only after a probe really ran a guest. */
export type AcceleratorChoice = 'auto' | 'kvm' | 'tcg';

/**
 * Whether the machines of one snapshot share its memory pages until they write to them (`shared`), or each has a copy of its own from
 * the start (`dedicated`): some 200 MiB more for each, and a start that is as much slower as the copy takes, so that no tenant can
 * learn from the speed of a page what another has touched.
 */
export type Isolation = 'shared' | 'dedicated';

/** What a cloudlet lets one caller, one function and all of them together consume. */
export interface CloudletLimits {
  /** Longest component or core module that can be published, bytes. */
  readonly componentBytes: number;
  /** Largest package, with all its parts, that can be published, bytes. */
  readonly packageBytes: number;
  /** Longest request body of an invocation, bytes. */
  readonly bodyBytes: number;
  /** Arguments, or the result, of one typed call, bytes. */
  readonly valueBytes: number;
  /** Wall time of one invocation when its function asks for nothing else, milliseconds. */
  readonly deadlineMs: number;
  /** Linear memory of one instance, MiB. */
  readonly memoryMib: number;
  /** Machines at once; their memory is usually the nearer limit. */
  readonly machines: number;
  /** How sandboxes are started, kept and given up; what is left out has the pool's default. */
  readonly pool: Partial<Omit<PoolLimits, 'machines'>>;
  /** Invocations at once in one sandbox. */
  readonly concurrency: number;
  /** Versions of each function that are kept, unless the function has a number of its own; those that take calls are kept beside. */
  readonly versions: number;
  /** Bytes of log kept for each function; older lines are dropped. */
  readonly logBytes: number;
  /** Bytes on disk for snapshots of machines; the least recently used go first. */
  readonly snapshotBytes: number;
  /** Finished invocations that are remembered for the page. */
  readonly recentInvocations: number;
  /** Bytes on disk for saved VMs; the least recently used go first. */
  readonly vmImageBytes: number;
  /** What service VMs may take; what is left out has its default. */
  readonly services: Partial<ServicesLimits>;
  /** How long a deployment may take; what is left out has its default. */
  readonly deployments: Partial<DeploymentPatience>;
}

/** The limits of a cloudlet that was told nothing else. */
export const DEFAULT_LIMITS: CloudletLimits = {
  componentBytes: 64 * 1024 * 1024,
  packageBytes: 128 * 1024 * 1024,
  bodyBytes: 256 * 1024 * 1024,
  valueBytes: 16 * 1024 * 1024,
  deadlineMs: 30_000,
  memoryMib: 256,
  machines: 256,
  pool: {},
  concurrency: 4,
  versions: 10,
  logBytes: 256 * 1024,
  snapshotBytes: 8 * 1024 ** 3,
  recentInvocations: 100,
  vmImageBytes: DEFAULT_VM_IMAGE_BYTES,
  services: {},
  deployments: {},
};

/** What it takes to open a cloudlet. */
export interface CloudletOptions {
  /** Where functions, keys and the owner's token live; made with mode 0700 when missing. */
  readonly dataDir: string;
  /** Where what can be made again lives: base images, snapshots, translated components. */
  readonly cacheDir: string;
  /** Keeps an empty process ready for the next version: for who publishes every few seconds. */
  readonly spare?: boolean;
  /** Keeps a VM waiting for the next overlay: some 20 MiB of memory, and a copy of its base's memory on the disk. */
  readonly blankVm?: boolean;
  /** Keeps a process with the tools that translate waiting for the next component: some 80 MB of memory. */
  readonly translatorAhead?: boolean;
  readonly sandbox: SandboxKind;
  readonly accel: AcceleratorChoice;
  /** Of machines; default `shared`. */
  readonly isolation?: Isolation;
  /** The name people see; defaults to the cloudlet's id. */
  readonly name?: string;
  readonly limits?: Partial<CloudletLimits>;
  /** What functions may be granted; public http hosts and stores up to a quota when left out. */
  readonly policy?: PolicyFile;
  readonly observer?: CloudletObserver;
  /** What guests may ask of the host; default: what they are granted of stores and network. */
  readonly outside?: VersionOutside;
  /** Address on which raw ports of services are opened; default 127.0.0.1. */
  readonly bind?: string;
  /** What services are made of; default: saved VMs, QEMU, this computer's network. */
  readonly serviceWorld?: Partial<ServiceWorld>;
  /** Whether the spans of a trace are kept, which those who are called are told; default: if the caller's are. */
  readonly sample?: TraceSampler;
  /** Decides where calls are shared out among versions: a number from 0 up to 1; default `Math.random`. */
  readonly random?: () => number;
  /** Measures how long deployments may take and wait; default: the time of this computer. */
  readonly deploymentClock?: Clock;
  /** Gives up opening; has no meaning afterwards. */
  readonly signal?: AbortSignal;
}
