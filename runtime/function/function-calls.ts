import type { Door, FunctionName } from '../../guest-sdk/protocol/index.ts';
import type {
  CallOptions,
  CallResult,
  Invocation,
  InvocationRequest,
  InvokeOptions,
} from '../invocation/invocation.ts';
import type { Invocations } from '../invocation/invocations.ts';
import { checkDoor, findExport } from '../provision/index.ts';
import type { DataDir, RegisteredVersion } from '../store/index.ts';
import type { FunctionLogs } from './function-logs.ts';
import { checkSecrets, type FunctionVersion, versionId } from './function-version.ts';
import type { Functions } from './functions.ts';
import { sharedOut, type VersionChoice } from './traffic.ts';
import type { VersionUses } from './version-uses.ts';

/** What calls go through on their way to a version. */
export interface CallsWorld {
  /** Throws when there are to be no more. */
  readonly checkOpen: () => void;
  readonly data: DataDir;
  readonly functions: Functions;
  readonly invocations: Invocations;
  readonly logs: FunctionLogs;
  readonly uses: VersionUses;
  /** A number from 0 up to 1, which decides where calls are shared out. */
  readonly random: () => number;
}

/** Calls of functions: each goes to one version, which stays until the call has ended, whatever becomes of the function meanwhile. */
export class FunctionCalls {
  readonly #world: CallsWorld;

  constructor(world: CallsWorld) {
    this.#world = world;
  }

  /** Runs a command or an http handler; resolves when its answer begins. What is callable already waits for nothing but that. */
  invoke(
    name: FunctionName,
    request: InvocationRequest,
    input: Uint8Array | AsyncIterable<Uint8Array>,
    options: InvokeOptions,
  ): Promise<Invocation> {
    try {
      const { registered, known, leave } = this.#enter(name, options.choice);
      const left = (error: unknown): never => {
        leave();
        throw error;
      };
      const run = (version: FunctionVersion) => {
        try {
          this.#check(version, request.door);
        } catch (error) {
          return left(error);
        }
        return this.#world.invocations.stream(version, request, input, options, leave);
      };
      return known === undefined ? this.#world.functions.callable(name, registered).then(run, left) : run(known);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Calls a typed export to its end. */
  async call(name: FunctionName, target: string, args: unknown, options: CallOptions): Promise<CallResult> {
    const { registered, known, leave } = this.#enter(name, options.choice);
    try {
      const version = known ?? (await this.#world.functions.callable(name, registered));
      this.#check(version, 'call');
      return await this.#world.invocations.call(version, findExport(version.description, target), args, options);
    } finally {
      leave();
    }
  }

  /** Chooses the version and holds it, in one turn: between these nobody may remove it. `known`: it was made callable before, as nearly always. */
  #enter(
    name: FunctionName,
    choice: VersionChoice = {},
  ): {
    readonly registered: RegisteredVersion;
    readonly known: FunctionVersion | undefined;
    readonly leave: () => void;
  } {
    this.#world.checkOpen();
    const { registry } = this.#world.data;
    const split = choice.version === undefined ? registry.traffic.split(name) : null;
    const version = split === null ? choice.version : sharedOut(split, choice, this.#world.random);
    const registered = registry.version(name, version);
    const known = this.#world.functions.madeCallable(registered);
    return { registered, known, leave: this.#world.uses.enter(known?.loaded.id ?? versionId(name, registered)) };
  }

  #check(version: FunctionVersion, door: Door): void {
    const { data, logs } = this.#world;
    checkDoor(version.description, door);
    checkSecrets(version, data.secrets);
    logs.limit(version.name, version.loaded.grant.limits.logBytes);
  }
}
