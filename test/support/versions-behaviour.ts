/**
 * What holds of versions while calls go on, whatever runs them.
 */
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { parseName } from '../../guest-sdk/protocol/index.ts';
import type { Cloudlet } from '../../runtime/index.ts';
import { publishGuest } from './cloudlet-lab.ts';

const NAME = parseName('busy');
const FORMATS = { argumentFormat: 'json', resultFormat: 'json' } as const;

/** Callers that ask again as soon as they are answered. */
class Load {
  readonly failures: unknown[] = [];
  /** Versions that answered, in the order of the answers. */
  readonly versions: number[] = [];
  readonly #callers: Promise<void>[];
  readonly #calls = new Set<Promise<unknown>>();
  #isOver = false;

  constructor(cloudlet: Cloudlet, callers: number) {
    this.#callers = Array.from({ length: callers }, () => this.#call(cloudlet));
  }

  /** The versions of so many answers to come; fails with the first call that does. */
  async next(count: number): Promise<number[]> {
    const from = this.versions.length;
    while (this.versions.length < from + count) {
      if (this.failures.length > 0) throw this.failures[0];
      await sleep(2);
    }
    return this.versions.slice(from);
  }

  /** Resolves when the calls that are on their way have ended. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#calls);
  }

  async end(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#callers);
  }

  async #call(cloudlet: Cloudlet): Promise<void> {
    while (!this.#isOver) {
      const call = this.#ask(cloudlet);
      this.#calls.add(call);
      await call;
      this.#calls.delete(call);
      await turn();
    }
  }

  async #ask(cloudlet: Cloudlet): Promise<void> {
    try {
      const { value, version } = await cloudlet.call(NAME, 'add', [40, 2], FORMATS);
      assert.is(value, 42);
      this.versions.push(version);
    } catch (error) {
      this.failures.push(error);
    }
  }
}

const publish = (cloudlet: Cloudlet, version: number) =>
  publishGuest(cloudlet, 'typed', NAME, { environment: { VERSION: String(version) } });

/** Publishes, shares out, rolls back and lets versions go under load: no call fails, and each goes where it has to. */
export async function versionsUnderLoad(cloudlet: Cloudlet, callers: number, answers: number): Promise<void> {
  await publish(cloudlet, 1);
  const load = new Load(cloudlet, callers);
  try {
    await load.next(answers);
    for (const version of [2, 3]) {
      await publish(cloudlet, version);
      // Those that were on their way may still come from the version before.
      await load.settled();
      assert.equal(new Set(await load.next(answers)), new Set([version]), `after the publish of version ${version}`);
    }
    cloudlet.versions.share(NAME, {
      versions: [
        { version: 1, percent: 50 },
        { version: 3, percent: 50 },
      ],
    });
    await load.settled();
    assert.equal(new Set(await load.next(answers * 4)), new Set([1, 3]), 'shared out');
    await publish(cloudlet, 4);
    await load.settled();
    assert.equal(new Set(await load.next(answers * 4)), new Set([1, 3]), 'a publish leaves the shares');

    const numbers = () => cloudlet.versions.list(NAME).versions.map(({ version }) => version);
    const before = numbers();
    await cloudlet.rollback(NAME, 2);
    assert.equal(numbers(), before, 'nothing is published for it');
    await load.settled();
    assert.equal(new Set(await load.next(answers)), new Set([2]), 'after the rollback');

    cloudlet.versions.retain(NAME, 1);
    await load.next(answers);
    while (cloudlet.versions.list(NAME).versions.length > 1) await sleep(2);
    assert.equal(
      cloudlet.versions.list(NAME).versions.map(({ version, percent }) => [version, percent]),
      [[2, 100]],
    );
  } finally {
    await load.end();
  }
  assert.equal(load.failures, [], `of ${load.versions.length} calls`);
}
