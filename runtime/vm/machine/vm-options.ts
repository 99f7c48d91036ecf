import type { Duplex } from 'node:stream';
import type { Accelerator, Identity } from '../../machine/index.ts';
import type { DiskLayer } from '../image/vm-image.ts';
import type { Vm } from '../vm.ts';

/** What a VM is made of. Units in the names. */
export interface VmShape {
  readonly accelerator: Accelerator;
  readonly memoryMib: number;
  readonly vcpus: number;
}

/** The disk of a VM: layers that are only read, and on top of them what this VM writes. */
export interface VmDisk {
  /** The lowest layer first; may be none when `serve` gives what lies below. */
  readonly layers: readonly DiskLayer[];
  /** Its size as the guest sees it. */
  readonly bytes: number;
  /** What its writes may take on this computer, with what describes them: beyond it the guest has an input/output error. */
  readonly growthBytes: number;
  /** An empty file that its writes are kept in, and that can be a `qcow2` layer when the VM was saved; default: a file without a name. */
  readonly top?: string;
  /** Where that file without a name takes its room; default: the directory for temporary files. */
  readonly directory?: string;
  /** Is given QEMU's connection to the block server (NBD, as server, no export name) that holds what lies below `layers`. */
  readonly serve?: (connection: Duplex) => void;
}

/** What is common to all ways to start a VM. Units in the names. */
export interface VmOptions {
  readonly id: string;
  readonly shape: VmShape;
  readonly disk: VmDisk;
  /** Processors' time that it may take, in processors. Default: as many as it has, and one more for its devices. */
  readonly cpus?: number;
  /** Program to run; default `qemu-system-x86_64`. */
  readonly qemu?: string;
  readonly signal?: AbortSignal;
}

/** How a VM is booted. */
export interface BootVmOptions extends VmOptions {
  /** An ELF kernel (`vmlinux`) and an initial root made by `vmInitrd`. */
  readonly kernel: string;
  readonly initrd: string;
  /**
   * Whether the kernel clears memory that is freed, so that it is nothing in an overlay. Default true; a benchmark needs it as it is
   * by default.
   */
  readonly initOnFree?: boolean;
  /** How long the relay may take to say its first word; then the VM is killed and booted once more. Default 60 s. */
  readonly bootMs?: number;
  /** Where its memory and its device state shall be, when it is to be saved. Empty files. */
  readonly template?: { readonly memory: string; readonly saved: string };
}

/** How a VM is restored. */
export interface RestoreVmOptions extends VmOptions {
  /** The saved memory; for a template a copy, which it changes. */
  readonly memory: string;
  /** The saved device state. */
  readonly state: string;
  /** Where the device state goes when it is to be saved itself. An empty file. */
  readonly template?: { readonly saved: string };
  /**
   * Resolves when `memory`, which has its length, and `state` are complete. QEMU is started meanwhile, looks at neither, and has nothing left to do then but to
   * go on. When it rejects, so does the restore, and the guest has run nothing.
   */
  readonly complete?: Promise<unknown>;
  /** How long the guest may take to acknowledge its new identity and its new host. Default 10 s. */
  readonly restoreMs?: number;
}

/** A VM that was started here; those with a `template` can be saved. */
export interface StartedVm extends Vm {
  /**
   * Makes it small and still: files written, freed blocks given back, caches dropped. Fails with `machine-failed` while a connection or a
   * command that is not detached is open.
   */
  quiesce(signal?: AbortSignal): Promise<void>;
  /**
   * Stops it and writes its device state to `template.saved`; its memory is in the file of the template, and its writes in `disk.top`, which
   * is as long as it needs to be once the VM was closed. It stays stopped: close it next. `limit-exceeded` when writes to its disk have failed.
   */
  save(): Promise<void>;
  /** What its writes take on this computer now, bytes. */
  growthBytes(): Promise<number>;
  /** Gives it another time, randomness and name: a server that is to be saved starts at `TEMPLATE_WALL_MS`, so that its generators reseed in each clone. */
  renew(identity: Identity): Promise<void>;
}
