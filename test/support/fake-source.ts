import type { Machine } from '../../runtime/machine/machine.ts';
import type { Clock } from '../../runtime/sandbox/clock.ts';
import {
  type SandboxKind,
  type SandboxSource,
  type StartRung,
  startLoaded,
  startSandbox,
} from '../../runtime/sandbox/index.ts';

/** A source of sandboxes over machines that the test makes. */
export class FakeSource implements SandboxSource {
  readonly kind = 'process';
  readonly accelerator = { kind: 'none', isolates: false, meaning: 'machines of a test' } as const;
  /** Versions whose sandboxes were asked for, and what was prepared and forgotten, in order. */
  readonly started: string[] = [];
  readonly prepared: string[] = [];
  readonly forgotten: string[] = [];
  /** What sandboxes say that they are. */
  sandboxKind: SandboxKind = 'process';
  /** How sandboxes come to be from now on. */
  via: StartRung = 'boot';
  /** Whether versions can be prepared. */
  preparable = true;
  /** Asked before something is prepared; may wait or throw. */
  preparing: () => Promise<void> = async () => {};
  readonly #startMachine: () => Promise<Machine>;
  readonly #clock: Clock;

  constructor(startMachine: () => Promise<Machine>, clock: Clock) {
    this.#startMachine = startMachine;
    this.#clock = clock;
  }

  async start(...[version, signal]: Parameters<SandboxSource['start']>): ReturnType<SandboxSource['start']> {
    this.started.push(version.id);
    const parts = { kind: this.sandboxKind, clock: this.#clock, startMachine: this.#startMachine };
    const sandbox = await startLoaded(version, (given) => startSandbox(parts, given), signal);
    return { sandbox, via: this.via };
  }

  async prepare(...[version]: Parameters<SandboxSource['prepare']>): Promise<boolean> {
    this.prepared.push(version.id);
    await this.preparing();
    return this.preparable;
  }

  async forget(versionId: string): Promise<void> {
    this.forgotten.push(versionId);
  }

  async close(): Promise<void> {}
}
