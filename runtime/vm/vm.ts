import type { Duplex } from 'node:stream';
import type { MachineExit } from '../machine/index.ts';

/** One running machine of a native server, or of a base that one is made from. */
export interface Vm {
  readonly id: string;
  readonly pid: number;
  readonly relay: Relay;
  /** What its console says, from its first byte on: the kernel, the relay, and what the server writes. */
  readonly console: AsyncIterable<Uint8Array>;
  /** Settles when the process ended, for whatever reason; never rejects. */
  readonly exited: Promise<MachineExit>;
  /** Stops its processors: no CPU at all until `resume`. */
  pause(): Promise<void>;
  /** Lets it go on, at the present time. */
  resume(): Promise<void>;
  /** Memory that would be free without it, bytes. */
  privateBytes(): Promise<number>;
  /** Ends it: gently, then firmly. Idempotent; resolves when the process is gone. */
  close(): Promise<void>;
}

/** The only way into a VM and out of it: it has no network device, and a small program inside passes streams on. */
export interface Relay {
  /**
   * Connects to a port of the VM's loopback. Rejects with `not-ready` when nothing listens there: it is the guest's own kernel that
   * says so.
   */
  connect(port: number, signal?: AbortSignal): Promise<Duplex>;
  /** Runs a shell command as root and resolves with its exit status; 128 and the signal's number when it was killed. */
  run(job: RelayJob): Promise<number>;
  /** Who gets the connections that programs inside make to the proxy at `PROXY_PORT` of their loopback; nobody: they are refused. */
  onOutgoing(accept: ((connection: Duplex) => void) | null): void;
}

/** A command inside a VM. */
export interface RelayJob {
  /** For `/bin/sh -c`; with its environment at most 32 KiB. */
  readonly command: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** What its stdin reads; nothing by default. */
  readonly input?: AsyncIterable<Uint8Array>;
  /** Told what it writes to stdout and stderr, as it comes. */
  readonly output?: (bytes: Uint8Array) => void;
  /** Kills it, and all that it started. */
  readonly signal?: AbortSignal;
  /**
   * A server: it goes on in every clone of the saved VM. It reads nothing, and what it writes goes to the console. `run` resolves when it
   * ends, as long as the VM has the host that started it.
   */
  readonly detached?: boolean;
}

/** Where programs inside a VM find the HTTP proxy by which they reach what they may. */
export const PROXY_PORT = 3128;
