import type { Recipe } from '../../../guest-sdk/protocol/index.ts';
import type { HostPolicy } from '../../grant/index.ts';
import type { NetworkWorld } from '../../outside/network/network.ts';
import { type Clock, systemClock } from '../../sandbox/clock.ts';
import { openOutboundProxy } from '../../service/index.ts';
import type { VmImage } from '../../vm/image/vm-image.ts';
import { type PartSource, type RungContext, WAITING } from '../deployment/rung.ts';
import { askSources, installPackages, tidy } from './install-packages.ts';
import { KeyedTurns } from './keyed-turns.ts';
import { openMirrors } from './mirrors.ts';
import { putFiles, runScript } from './put-files.ts';
import { madeKey, recipeKey } from './recipe-key.ts';
import type { RememberedRecipes } from './remembered.ts';
import { startServer } from './serve.ts';
import type { RecipeStep, StepContext } from './step.ts';
import type { HeldBase, RecipeWorld, Workshop } from './workshop.ts';

/** What recipes are made with. */
export interface RecipesOptions {
  readonly world: RecipeWorld;
  readonly remembered: Pick<RememberedRecipes, 'find' | 'remember'>;
  /** What servers may reach while they start, of what their recipe asks for. */
  readonly policy: Pick<HostPolicy, 'http' | 'privateNetworks'>;
  readonly network?: NetworkWorld;
  readonly clock?: Clock;
}

/** An image that a recipe comes to; `isNew` when it was made for this. */
export interface MadeRecipe {
  readonly image: VmImage;
  readonly isNew: boolean;
}

const MIB = 1024 ** 2;

/** Makes service VMs of recipes, each once. */
export class Recipes {
  readonly #options: RecipesOptions & { readonly clock: Clock };
  readonly #turns = new KeyedTurns();

  constructor(options: RecipesOptions) {
    this.#options = { clock: systemClock, ...options };
  }

  /** What a recipe came to before; null when it has to be made, or the versions of its packages are to be looked up anew. Runs nothing. */
  async cached(recipe: Recipe, signal: AbortSignal): Promise<VmImage | null> {
    return this.#withBase(recipe, signal, (base) => this.#known(recipe, base, signal));
  }

  /**
   * The image that a recipe comes to. Who asks for the same while it is made waits, and gets what was made. Nothing is left when a step
   * fails (`recipe-failed`, or `not-ready` by its server), or the signal aborts.
   */
  make(recipe: Recipe, context: RungContext): Promise<MadeRecipe> {
    const { signal, report } = context;
    return this.#withBase(recipe, signal, (base) => {
      const work = async (): Promise<MadeRecipe> => {
        const known = await this.#known(recipe, base, signal);
        return known === null ? this.#make(recipe, base, context) : { image: known, isNew: false };
      };
      const waiting = (): void => report({ stage: WAITING });
      return this.#turns.take(recipeKey(recipe, base.image.digest), signal, work, waiting);
    });
  }

  async #withBase<T>(recipe: Recipe, signal: AbortSignal, use: (base: HeldBase) => Promise<T>): Promise<T> {
    const base = await this.#options.world.holdBase(recipe.base, signal);
    try {
      return await use(base);
    } finally {
      await base.release();
    }
  }

  async #known(recipe: Recipe, { image: { digest } }: HeldBase, signal: AbortSignal): Promise<VmImage | null> {
    // Without packages nothing can be newer.
    const isPlain = recipe.packages.length === 0;
    const key = isPlain ? madeKey(recipe, digest, []) : await this.#options.remembered.find(recipeKey(recipe, digest));
    return key === null ? null : this.#options.world.findMade(key, signal);
  }

  async #make(
    recipe: Recipe,
    { image: base }: HeldBase,
    { parts, report, signal, user }: RungContext,
  ): Promise<MadeRecipe> {
    const { world, clock, remembered } = this.#options;
    let step: RecipeStep = 'restore';
    report({ stage: step });
    const begin = (next: RecipeStep): void => {
      if (next !== step) report({ stage: next });
      step = next;
    };
    const growthBytes = recipe.service.limits.diskMib * MIB;
    const workshop = await world.open(base, growthBytes, signal, user).catch((error: unknown) => {
      signal.throwIfAborted();
      throw error;
    });
    try {
      const { vm } = workshop;
      const say = (log: string): void => report({ stage: step, log });
      const context: StepContext = { relay: vm.relay, say, clock, signal };
      const key = await this.#fill(recipe, base, workshop, context, begin, parts);
      if (typeof key !== 'string') return key;
      await this.#serve(recipe, workshop, context, begin);
      begin('save');
      const image = await workshop.save({ key, about: aboutOf(recipe), service: recipe.service }, signal);
      if (recipe.packages.length > 0) await remembered.remember(recipeKey(recipe, base.digest), key);
      return { image, isNew: true };
    } finally {
      await workshop.close();
    }
  }

  /** Puts packages, files and what the script makes into a VM, and gives the key of what that comes to; or the image, when that was made before. */
  async #fill(
    recipe: Recipe,
    { digest }: VmImage,
    { vm }: Workshop,
    context: StepContext,
    begin: (step: RecipeStep) => void,
    parts: PartSource,
  ): Promise<string | MadeRecipe> {
    const { packages, files, script } = recipe;
    const { world, remembered, network } = this.#options;
    const put = async (): Promise<void> => {
      begin('files');
      await putFiles(files, parts, context);
      if (script === '') return;
      begin('script');
      await runScript(script, context);
    };
    if (packages.length === 0) {
      await put();
      return madeKey(recipe, digest, []);
    }
    begin('update');
    const mirrors = await openMirrors(await askSources(context), {
      vm,
      say: context.say,
      network,
      signal: context.signal,
    });
    try {
      let key = '';
      let image: VmImage | null = null;
      await installPackages(packages, context, begin, async (versions) => {
        key = madeKey(recipe, digest, versions);
        image = await world.findMade(key, context.signal);
        return image !== null;
      });
      if (image !== null) {
        await remembered.remember(recipeKey(recipe, digest), key);
        return { image, isNew: false };
      }
      // The script may install more.
      await put();
      await tidy(context);
      return key;
    } finally {
      mirrors.close();
    }
  }

  /** Starts the server, which may reach what its recipe asks for and the policy allows. */
  async #serve(
    { service }: Recipe,
    { vm }: Workshop,
    context: StepContext,
    begin: (step: RecipeStep) => void,
  ): Promise<void> {
    const { policy, network } = this.#options;
    const proxy = openOutboundProxy({
      ...{ hosts: service.outbound, policy },
      ...(network === undefined ? {} : { world: network }),
      report: (outcome, sentence) => (outcome === 'allowed' ? undefined : context.say(`${sentence}\n`)),
    });
    vm.relay.onOutgoing(proxy.accept);
    try {
      await startServer(vm, service, context, begin);
    } finally {
      vm.relay.onOutgoing(null);
      proxy.close();
    }
  }
}

/** Longest line that says what is in an image, in characters. */
const MAX_ABOUT = 200;

function aboutOf({ packages, service }: Recipe): string {
  const line = `${packages.join(' ') || 'no packages'}; ${service.run}`.replaceAll(/\p{C}+/gu, ' ');
  return line.length <= MAX_ABOUT ? line : `${line.slice(0, MAX_ABOUT - 1)}…`;
}
