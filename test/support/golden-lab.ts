/**
 * Clones of a golden machine, for tests of what runs in a machine: it was booted once for all of them, as a host does, and is kept between runs.
 */
import { join } from 'node:path';
import { ensureImageApart } from '../../runtime/image/index.ts';
import { conditionsOf, restoreMachine, SnapshotStore } from '../../runtime/machine/index.ts';
import { DEFAULT_LIMITS } from '../../runtime/options.ts';
import type { StartOptions } from '../../runtime/sandbox/start-sandbox.ts';
import { makeGolden, newMachineId } from '../../runtime/sandbox-source/template.ts';
import { TEST_CACHE, testShape } from './microvm-lab.ts';

let opened: ReturnType<typeof open> | null = null;

/** Starts an empty sandbox in a clone. */
export async function testClone(): Promise<StartOptions> {
  opened ??= open();
  const { image, shape, golden } = await opened;
  const { memory, state } = golden;
  const startMachine = () => restoreMachine({ id: newMachineId(), image, shape, memory, state });
  return { kind: 'microvm', startMachine, restoredWorkers: shape.workers };
}

async function open() {
  const [shape, image] = await Promise.all([testShape(), ensureImageApart({ cacheDir: TEST_CACHE })]);
  const store = await SnapshotStore.open({
    directory: join(TEST_CACHE, 'snapshots'),
    budgetBytes: DEFAULT_LIMITS.snapshotBytes,
    // Of this size, and of that which the tests of clones have.
    floor: 2,
  });
  const kept = await store.find(conditionsOf(shape, image.digest, null));
  const golden = kept ?? (await makeGolden({ store, shape, image }, new AbortController().signal));
  return { image, shape, golden };
}
