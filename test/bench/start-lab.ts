import { randomUUID } from 'node:crypto';
import { writeBindingValue } from '../../guest-sdk/protocol/index.ts';
import type { InvokeRequest } from '../../runtime/agent/wire.ts';
import { type BaseImage, ensureImageApart } from '../../runtime/image/index.ts';
import {
  conditionsOf,
  type QemuMachine,
  restoreMachine,
  type Snapshot,
  SnapshotStore,
} from '../../runtime/machine/index.ts';
import type { MachineShape } from '../../runtime/machine/qemu-args.ts';
import { type LoadedVersion, type Sandbox, startSandbox } from '../../runtime/sandbox/index.ts';
import { KeptImage } from '../../runtime/sandbox-source/kept-image.ts';
import { MachineLadder } from '../../runtime/sandbox-source/machine-ladder.ts';
import { makeGolden } from '../../runtime/sandbox-source/template.ts';
import { TEST_CACHE, testShape } from '../support/microvm-lab.ts';
import { artifactOf, finish, TEST_GRANT } from '../support/sandbox-lab.ts';
import { qemuFloorMs } from './qemu-floor.ts';

/** A function as benchmarks of starts use it. */
export interface TimedFunction {
  readonly version: LoadedVersion;
  readonly request: InvokeRequest;
  readonly input: Uint8Array;
}

const NOTHING = new Uint8Array(0);

/** A small component in C: divides two numbers. */
export const DIVIDE: TimedFunction = timed(
  'typed',
  { door: 'call', target: 'shapes.divide' },
  writeBindingValue([6, 3]),
);

/** A JavaScript function on QuickJS: answers a GET. */
export const HELLO: TimedFunction = timed(
  'hello-http',
  { door: 'http', method: 'GET', scheme: 'http', authority: 'localhost', path: '/', headers: [] },
  NOTHING,
);

/** A test guest as a version of its own: two functions of one component are two. */
export function timed(guest: string, request: InvokeRequest, input: Uint8Array, copy = 0): TimedFunction {
  const id = `${guest}-${copy}/1/bench`;
  return { version: { id, program: guest, grant: TEST_GRANT, artifact: () => artifactOf(guest) }, request, input };
}

/** One call, to its end; milliseconds. */
export async function callOnce(sandbox: Sandbox, { request, input }: TimedFunction): Promise<number> {
  const startedAt = performance.now();
  await finish(sandbox.invoke(request, input, { deadlineMs: 30_000, log: () => {} }));
  return performance.now() - startedAt;
}

/** What starts are measured with: the machines, snapshots and ladder of a cloudlet, without its pool. */
export class StartLab {
  readonly shape: MachineShape;
  readonly ladder: MachineLadder;
  readonly #store: SnapshotStore;
  #golden: Promise<Pick<Snapshot, 'memory' | 'state'>> | null = null;
  readonly #signal = new AbortController().signal;

  private constructor(shape: MachineShape, store: SnapshotStore) {
    this.shape = shape;
    this.#store = store;
    const warning = (sentence: string) => process.stderr.write(`  ${sentence}\n`);
    this.ladder = new MachineLadder({
      store,
      shape,
      image: new KeptImage(TEST_CACHE, warning),
      warning,
      isolation: 'shared',
    });
  }

  /** Opens a lab on an empty store in `directory`. */
  static async open(directory: string): Promise<StartLab> {
    const store = await SnapshotStore.open({ directory, budgetBytes: Number.POSITIVE_INFINITY, floor: 0 });
    return new StartLab(await testShape(), store);
  }

  /** See `qemuFloorMs`, of a clone of the golden machine. */
  async qemuFloorMs(): Promise<number> {
    const image = await ensureImageApart({ cacheDir: TEST_CACHE });
    this.#golden ??= this.#findGolden(image);
    return qemuFloorMs(this.shape, image, (await this.#golden).memory);
  }

  /** A clone of the golden machine, whose kernel has taken its identity. */
  async goldenClone(): Promise<QemuMachine> {
    const image = await ensureImageApart({ cacheDir: TEST_CACHE });
    this.#golden ??= this.#findGolden(image);
    return restoreMachine({ id: randomUUID(), image, shape: this.shape, ...(await this.#golden) });
  }

  /** A clone of the golden machine to its agent's answer, its identity taken; milliseconds. */
  async goldenCloneMs(): Promise<number> {
    const image = await ensureImageApart({ cacheDir: TEST_CACHE });
    this.#golden ??= this.#findGolden(image);
    const golden = await this.#golden;
    const startedAt = performance.now();
    const startMachine = () => restoreMachine({ id: randomUUID(), image, shape: this.shape, ...golden });
    const sandbox = await startSandbox({ kind: 'microvm', startMachine, restoredWorkers: this.shape.workers });
    const ms = performance.now() - startedAt;
    await sandbox.close();
    return ms;
  }

  /** A sandbox by the ladder, and what it was. */
  start({ version }: TimedFunction) {
    return this.ladder.start(version, this.#signal);
  }

  async prepare({ version }: TimedFunction): Promise<void> {
    if (!(await this.ladder.prepare(version, this.#signal))) throw new Error('expected a snapshot to be made');
  }

  close(): Promise<void> {
    return this.ladder.close();
  }

  async #findGolden(image: BaseImage): Promise<Pick<Snapshot, 'memory' | 'state'>> {
    const kept = await this.#store.find(conditionsOf(this.shape, image.digest, null));
    const { memory, state } =
      kept ?? (await makeGolden({ store: this.#store, shape: this.shape, image }, this.#signal));
    return { memory, state };
  }
}
