import type { Duplex } from 'node:stream';
import { CloudletError } from '../../guest-sdk/protocol/index.ts';
import { unlessAborted } from '../machine/index.ts';
import type { Clock } from '../sandbox/clock.ts';
import type { Relay } from '../vm/vm.ts';
import { waited } from './probe.ts';

/** How long a server that was ready may refuse connections before it counts as ended, in steps, milliseconds: some start anew. */
const RESTART_MS = [250, 1000];
/** How long a VM may leave a connection without an answer, by which its kernel takes or refuses it, milliseconds. */
const SILENT_MS = 60_000;

/** What a door is made of. */
export interface ServerDoorOptions {
  readonly relay: Pick<Relay, 'connect'>;
  readonly port: number;
  readonly clock: Clock;
  /** Told why there is no server behind it any more. */
  readonly lost: (failure: CloudletError) => void;
}

/** The way to a server that was ready; finds out when the server has ended, or its VM answers nothing any more. */
export class ServerDoor {
  readonly #options: ServerDoorOptions;
  /** Stops waiting for the VM to say anything; null when it owes no answer. */
  #heard: (() => void) | null = null;

  constructor(options: ServerDoorOptions) {
    this.#options = options;
  }

  /** A new connection. `machine-failed` when there is no server any more. */
  async connect(signal: AbortSignal): Promise<Duplex> {
    const { clock, port, lost } = this.#options;
    for (const waitMs of [...RESTART_MS, null]) {
      try {
        return await this.#open(signal);
      } catch (error) {
        // Refused by the guest's own kernel: nothing listens, or a server starts anew.
        if (!(error instanceof CloudletError) || error.code !== 'not-ready' || signal.aborted) throw error;
        if (waitMs !== null) await waited(clock, waitMs, signal);
      }
    }
    const failure = new CloudletError('machine-failed', `its server ended: nothing listens at port ${port} any more`);
    lost(failure);
    throw failure;
  }

  /** Ends what is waited for. Idempotent. */
  close(): void {
    this.#heard?.();
    this.#heard = null;
  }

  async #open(signal: AbortSignal): Promise<Duplex> {
    const { relay, port } = this.#options;
    signal.throwIfAborted();
    this.#expectWord();
    // Not ended by its caller: whether the VM answers is to be known even when nobody waits for so long.
    const answer = relay.connect(port);
    answer.then(
      (connection) => {
        this.close();
        if (signal.aborted) connection.destroy();
      },
      () => this.close(),
    );
    return unlessAborted(answer, signal);
  }

  #expectWord(): void {
    const { clock, lost } = this.#options;
    this.#heard ??= clock.after(SILENT_MS, () =>
      lost(new CloudletError('machine-failed', `the VM has answered nothing for ${SILENT_MS / 1000} s`)),
    );
  }
}
