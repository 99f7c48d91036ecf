import type { Recipe } from '../../../guest-sdk/protocol/index.ts';
import type { HostPolicy } from '../../grant/index.ts';
import type { NetworkWorld } from '../../outside/network/network.ts';
import { type Clock, systemClock } from '../../sandbox/clock.ts';
import { openOutboundProxy } from '../../service/index.ts';
import type { VmImage } from '../../vm/image/vm-image.ts';
import type { RungContext } from '../deployment/rung.ts';
import { installCommand, PRINT_SOURCES, planCommand, plannedVersions, sourceHosts, UPDATE } from './apt.ts';
import { KeyedTurns } from './keyed-turns.ts';
import { openMirrors } from './mirrors.ts';
import { putFiles, runScript } from './put-files.ts';
import { madeKey, recipeKey } from './recipe-key.ts';
import type { RememberedRecipes } from './remembered.ts';
import { startServer } from './serve.ts';
import { type RecipeStep, runStep, type StepContext } from './step.ts';
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
    const { signal } = context;
    return this.#withBase(recipe, signal, (base) =>
      this.#turns.take(recipeKey(recipe, base.image.digest), signal, async () => {
        const known = await this.#known(recipe, base, signal);
        return known === null ? this.#make(recipe, base, context) : { image: known, isNew: false };
      }),
    );
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

  async #make(recipe: Recipe, { image: base }: HeldBase, { parts, report, signal }: RungContext): Promise<MadeRecipe> {
    const { world, clock, remembered } = this.#options;
    let step: RecipeStep = 'restore';
    const begin = (next: RecipeStep): void => {
      step = next;
      report({ stage: next });
    };
    begin('restore');
    const workshop = await world.open(base, recipe.service.limits.diskMib * MIB, signal).catch((error: unknown) => {
      signal.throwIfAborted();
      throw error;
    });
    try {
      const { vm } = workshop;
      const say = (log: string): void => report({ stage: step, log });
      const context: StepContext = { relay: vm.relay, say, clock, signal };
      const installed = await this.#install(recipe, base, workshop, context, begin);
      if ('image' in installed) return installed;
      begin('files');
      await putFiles(recipe.files, parts, context);
      if (recipe.script !== '') {
        begin('script');
        await runScript(recipe.script, context);
      }
      installed.close();
      await this.#serve(recipe, workshop, context, begin);
      begin('save');
      const { key } = installed;
      const image = await workshop.save({ key, about: aboutOf(recipe), service: recipe.service }, signal);
      if (recipe.packages.length > 0) await remembered.remember(recipeKey(recipe, base.digest), key);
      return { image, isNew: true };
    } finally {
      await workshop.close();
    }
  }

  /** Installs the packages, unless what they come to was made before. What it gives is closed when the script has run: it may reach the mirrors, too. */
  async #install(
    recipe: Recipe,
    { digest }: VmImage,
    { vm }: Workshop,
    context: StepContext,
    begin: (step: RecipeStep) => void,
  ): Promise<MadeRecipe | { readonly key: string; close(): void }> {
    const { packages } = recipe;
    if (packages.length === 0) return { key: madeKey(recipe, digest, []), close: () => undefined };
    const { world, remembered, network } = this.#options;
    begin('update');
    const quiet = { ...context, say: () => undefined };
    const sources = await runStep('update', { command: PRINT_SOURCES }, quiet, 64 * 1024);
    const mirrors = await openMirrors(sourceHosts(sources), { vm, say: context.say, network, signal: context.signal });
    try {
      await runStep('update', { command: UPDATE }, context);
      const plan = await runStep('update', { command: planCommand(packages) }, quiet, MIB);
      const key = madeKey(recipe, digest, plannedVersions(plan));
      const found = await world.findMade(key, context.signal);
      if (found !== null) {
        await remembered.remember(recipeKey(recipe, digest), key);
        mirrors.close();
        return { image: found, isNew: false };
      }
      begin('packages');
      await runStep('packages', { command: installCommand(packages) }, context);
      return { key, close: mirrors.close };
    } catch (error) {
      mirrors.close();
      throw error;
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
