/**
 * Recipes on real VMs whose base has a shell and a few small servers, and no Debian.
 */
import { randomUUID } from 'node:crypto';
import { copyFile, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseRecipe, type RecipeInput } from '../../guest-sdk/protocol/index.ts';
import { type Accelerator, computerConditions, conditionsOf } from '../../runtime/machine/index.ts';
import type { RungContext, RungProgress } from '../../runtime/provision/deployment/rung.ts';
import { Recipes } from '../../runtime/provision/recipe/recipes.ts';
import { RememberedRecipes } from '../../runtime/provision/recipe/remembered.ts';
import { openWorkshop } from '../../runtime/provision/recipe/vm-workshop.ts';
import { systemClock } from '../../runtime/sandbox/clock.ts';
import { type VmImage, VmImageStore } from '../../runtime/vm/image/index.ts';
import { restoreVm } from '../../runtime/vm/machine/restore-vm.ts';
import type { StartedVm } from '../../runtime/vm/machine/vm-options.ts';
import { bootTinyVm, tinyShape, tinyVm } from './vm-lab.ts';

const GROWTH_BYTES = 64 * 2 ** 20;

export class RecipeVmLab {
  readonly folder: string;
  readonly images: VmImageStore;
  readonly base: VmImage;
  readonly recipes: Recipes;
  /** Told how far a recipe is. */
  reported: (progress: RungProgress) => void = () => undefined;
  /** By how much the time of what makes recipes is ahead: readiness is then late without waiting for it. */
  leapMs = 0;
  /** VMs that were started to make something. */
  opened = 0;
  readonly #accelerator: Accelerator;

  private constructor(folder: string, images: VmImageStore, base: VmImage, accelerator: Accelerator) {
    this.folder = folder;
    this.images = images;
    this.base = base;
    this.#accelerator = accelerator;
    this.recipes = new Recipes({
      world: {
        holdBase: async () => (await images.hold(base.digest))!,
        findMade: (key, signal) => images.findMade('service', key, signal),
        open: (on, growthBytes, signal) => {
          this.opened += 1;
          return openWorkshop({ images, accelerator }, on, growthBytes, signal);
        },
      },
      remembered: new RememberedRecipes(join(folder, 'recipes')),
      policy: { http: 'none', privateNetworks: [] },
      clock: { ...systemClock, now: () => systemClock.now() + this.leapMs },
    });
  }

  /** Boots the base and saves it. */
  static async open(): Promise<RecipeVmLab> {
    const folder = await mkdtemp(join(tmpdir(), 'cloudlet-recipe-vms-'));
    const shape = await tinyShape();
    const { accelerator, memoryMib } = shape;
    const computer = async () => computerConditions(accelerator);
    const images = await VmImageStore.open({ directory: join(folder, 'images'), budgetBytes: 2 ** 40, computer });
    const { root, diskBytes } = await tinyVm();
    const draft = await images.draft({ memoryMib, layers: ['raw', 'qcow2'] });
    const [raw, top] = draft.layers as [string, string];
    await copyFile(root, raw);
    const disk = { layers: [{ path: raw, format: 'raw' as const }], bytes: diskBytes, growthBytes: GROWTH_BYTES, top };
    const vm = await bootTinyVm({ shape, disk, template: { memory: draft.memory, saved: draft.state } });
    try {
      await vm.quiesce();
      await vm.save();
    } finally {
      await vm.close();
    }
    const conditions = conditionsOf({ ...shape, workers: 0 }, '0'.repeat(64), null);
    const made = {
      kind: 'base',
      key: null,
      about: 'a shell',
      conditions,
      diskBytes,
      base: null,
      service: null,
    } as const;
    return new RecipeVmLab(folder, images, await draft.commit(made), accelerator);
  }

  make(recipe: RecipeInput, signal: AbortSignal = new AbortController().signal) {
    const context: RungContext = {
      signal,
      report: (progress) => this.reported(progress),
      parts: { get: () => Promise.reject(new Error('no part was announced')) },
    };
    return this.recipes.make(parseRecipe(recipe), context);
  }

  /** Starts a clone of what was made. Whoever does closes it. */
  clone({ conditions, disk, diskBytes, memory, state }: VmImage): Promise<StartedVm> {
    const { memoryMib, vcpus } = conditions;
    return restoreVm({
      id: randomUUID(),
      shape: { accelerator: this.#accelerator, memoryMib, vcpus },
      disk: { layers: disk, bytes: diskBytes, growthBytes: GROWTH_BYTES },
      ...{ memory, state },
    });
  }

  /** Images that are there. Their blocks on disk may change by themselves, when a file system comes to write them. */
  async stored(): Promise<string[]> {
    return (await this.images.stored()).map(({ digest }) => digest).sort();
  }

  /** Drafts of images that are neither finished nor removed. */
  async leftovers(): Promise<string[]> {
    return (await readdir(this.images.directory)).filter((name) => name.startsWith('.'));
  }

  async close(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}
