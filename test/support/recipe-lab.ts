/**
 * A world for recipes in which no machine runs: VMs answer commands as a test says, and images are names.
 */
import { createServer, type RequestListener, type Server } from 'node:http';
import { type Duplex, duplexPair } from 'node:stream';
import { CloudletError, type Digest, parseRecipe, type RecipeInput } from '../../guest-sdk/protocol/index.ts';
import type { RungContext, RungProgress } from '../../runtime/provision/deployment/rung.ts';
import { Recipes } from '../../runtime/provision/recipe/recipes.ts';
import type { MadeService, RecipeWorld, Workshop } from '../../runtime/provision/recipe/workshop.ts';
import type { VmImage } from '../../runtime/vm/image/vm-image.ts';
import type { RelayJob } from '../../runtime/vm/vm.ts';
import { FakeClock } from './fake-clock.ts';

/** What a command of a step comes to. */
export interface Answer {
  readonly status?: number;
  readonly says?: string;
  /** The command does not end before its signal aborts. */
  readonly hangs?: boolean;
}

/** A command that ran in a VM, with what it read. */
export interface RanCommand {
  readonly command: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly input: string;
}

export const BASE = `sha256:${'b'.repeat(64)}` as Digest;
export const SERVICE = { run: 'serve', port: 8080, readyMs: 1000 };

export class RecipeLab {
  readonly ran: RanCommand[] = [];
  readonly made = new Map<string, MadeService>();
  readonly remembered = new Map<string, string>();
  readonly reports: RungProgress[] = [];
  readonly clock = new FakeClock();
  readonly parts = new Map<Digest, Uint8Array>();
  /** By a piece of the command; the first that fits. What fits none ends well. */
  answers: readonly (readonly [piece: string, answer: Answer | (() => Answer)])[] = [];
  /** Who answers the probe; nobody: nothing listens. */
  listener: RequestListener | null = (_, response) => response.end('hello');
  opened = 0;
  closed = 0;
  held = 0;
  /** Whether programs of the last VM may reach anything. */
  mayGoOut = false;
  readonly recipes: Recipes;
  readonly #servers = new Set<Server>();

  constructor() {
    this.recipes = new Recipes({
      world: this.#world(),
      remembered: {
        find: async (recipe) => this.remembered.get(recipe) ?? null,
        remember: async (recipe, key) => void this.remembered.set(recipe, key),
      },
      policy: { http: 'none', privateNetworks: [] },
      network: { resolver: async () => ['192.0.2.1'], ownNetworks: () => [] },
      clock: this.clock,
    });
  }

  context(signal: AbortSignal = new AbortController().signal): RungContext {
    return {
      signal,
      report: (progress) => this.reports.push(progress),
      parts: { get: async (digest) => this.parts.get(digest)! },
    };
  }

  make(recipe: RecipeInput, signal?: AbortSignal) {
    return this.recipes.make(parseRecipe(recipe), this.context(signal));
  }

  /** Stages in the order in which they began. */
  get stages(): string[] {
    return this.reports.flatMap(({ stage, log }) => (log === undefined ? [stage] : []));
  }

  close(): void {
    for (const server of this.#servers) server.closeAllConnections();
  }

  #world(): RecipeWorld {
    return {
      holdBase: async (base) => {
        if (base !== 'default' && base !== BASE) throw new CloudletError('base-unknown', `there is no base ${base}`);
        this.held += 1;
        const release = async () => {
          this.held -= 1;
        };
        return { image: image(BASE), release };
      },
      findMade: async (key) => (this.made.has(key) ? this.#image(key) : null),
      open: async () => this.#workshop(),
    };
  }

  #image(key: string): VmImage {
    return { ...image(`sha256:${key}`), service: this.made.get(key)!.service };
  }

  #workshop(): Workshop {
    this.opened += 1;
    let isClosed = false;
    const { promise: gone, resolve: end } = Promise.withResolvers<number>();
    return {
      vm: {
        console: silence(gone),
        renew: async () => undefined,
        growthBytes: async () => 0,
        relay: {
          run: (job) => (job.detached === true ? this.#serve(job, gone) : this.#run(job)),
          connect: async () => this.#connect(),
          onOutgoing: (accept) => {
            this.mayGoOut = accept !== null;
          },
        },
      },
      save: async (made) => {
        this.made.set(made.key, made);
        return this.#image(made.key);
      },
      close: async () => {
        if (!isClosed) this.closed += 1;
        isClosed = true;
        end(143);
      },
    };
  }

  async #run({ command, environment = {}, input, output, signal }: RelayJob): Promise<number> {
    let read = '';
    for await (const bytes of input ?? []) read += Buffer.from(bytes).toString();
    this.ran.push({ command, environment, input: read });
    const { status = 0, says = '', hangs = false } = this.#answer(command);
    if (says !== '') output?.(Buffer.from(says));
    if (!hangs) return status;
    return new Promise((_, reject) => {
      signal!.addEventListener('abort', () => reject(signal!.reason), { once: true });
      this.hanging?.();
    });
  }

  /** Called when a command hangs. */
  hanging: (() => void) | null = null;

  async #serve({ command }: RelayJob, gone: Promise<number>): Promise<number> {
    this.ran.push({ command, environment: {}, input: '' });
    return this.#answer(command).status ?? gone;
  }

  #answer(command: string): Answer {
    const found = this.answers.find(([piece]) => command.includes(piece))?.[1] ?? {};
    return typeof found === 'function' ? found() : found;
  }

  #connect(): Duplex {
    if (this.listener === null) throw new CloudletError('not-ready', 'nothing listens at port 8080');
    const [near, far] = duplexPair();
    const server = createServer(this.listener);
    this.#servers.add(server);
    server.emit('connection', far);
    return near;
  }
}

async function* silence(gone: Promise<unknown>): AsyncGenerator<Uint8Array> {
  yield Buffer.from('the kernel says hello\n');
  await gone;
}

function image(digest: string): VmImage {
  return { digest, conditions: { memoryMib: 128 } } as unknown as VmImage;
}
