import type { Result } from '../outcome.ts';
import { NeverEnded } from './async-instance.ts';
import { type Definition, define } from './engine.ts';
import type { Instance } from './instance.ts';
import type { Command, Invoke, Written } from './script.ts';
import { constantOf, matches } from './value.ts';

const PASSED: Result = { kind: 'passed' };

/** What a command needs was not made: that was told when it failed, and is not told again for each of its calls. */
class Missing extends Error {}

/** A script that runs: what it defined, instantiated and registered so far. */
export class ScriptRun {
  readonly #definitions = new Map<string | null, Definition>();
  readonly #instances = new Map<string | null, Instance>();
  readonly #all: Instance[] = [];
  readonly #registered = new Map<string, Instance>();

  /** Takes one command. Never rejects. */
  async take(command: Command): Promise<Result> {
    try {
      return await this.#take(command);
    } catch (error) {
      if (error instanceof Missing) return { kind: 'skipped', detail: error.message };
      return failed(describe(error));
    }
  }

  /** Nothing of the script goes on. */
  end(): void {
    for (const instance of this.#all) instance.end?.();
  }

  async #take(command: Command): Promise<Result> {
    switch (command.kind) {
      case 'define':
        await this.#define(command.written, command.instantiate);
        return PASSED;
      case 'instantiate':
        // What failed must not be mistaken for what came before.
        this.#instances.delete(null);
        await this.#instantiate(command.name, this.#definition(command.definition));
        return PASSED;
      case 'register':
        this.#registered.set(command.as, this.#instance(command.instance));
        return PASSED;
      case 'invoke':
        await this.#invoke(command.invoke);
        return PASSED;
      case 'assert-return':
        return await this.#assertReturn(command);
      case 'assert-trap':
        return await this.#assertTrap(command.trapping);
      case 'assert-refused':
        return await this.#assertRefused(command);
      default:
        return command satisfies never;
    }
  }

  async #define(written: Written, instantiate: boolean): Promise<void> {
    if (instantiate) this.#instances.delete(null);
    this.#definitions.delete(null);
    const definition = await define(written);
    for (const name of [null, written.name]) this.#definitions.set(name, definition);
    if (instantiate) await this.#instantiate(written.name, definition);
  }

  async #instantiate(name: string | null, definition: Definition): Promise<void> {
    const instance = await definition.instantiate(this.#registered);
    this.#all.push(instance);
    for (const each of [null, name]) this.#instances.set(each, instance);
  }

  async #assertReturn({ invoke, results }: Extract<Command, { kind: 'assert-return' }>): Promise<Result> {
    const got = await this.#invoke(invoke);
    const right = results.length === 0 ? got === undefined : results.length === 1 && matches(results[0]!, got);
    return right ? PASSED : failed(`expected ${results.length} other results, got ${printed(got)}`);
  }

  /** Which words an engine has for a trap is its own affair: that it traps is what counts. */
  async #assertTrap(trapping: Invoke | Written): Promise<Result> {
    const act =
      'export' in trapping
        ? (await this.#found(trapping)).call
        : await define(trapping).then((definition) => () => definition.instantiate(this.#registered));
    try {
      await act();
    } catch (error) {
      if (error instanceof WebAssembly.LinkError || error instanceof NeverEnded) throw error;
      return PASSED;
    }
    return failed('expected a trap, and it returned');
  }

  async #assertRefused({ why, written }: Extract<Command, { kind: 'assert-refused' }>): Promise<Result> {
    let definition: Definition;
    try {
      definition = await define(written);
    } catch {
      return why === 'unlinkable' ? failed('expected that it cannot be linked, but it is not even valid') : PASSED;
    }
    if (why !== 'unlinkable') return failed(`expected it to be refused as ${why}, and it was taken`);
    try {
      await definition.instantiate(this.#registered);
    } catch (error) {
      if (error instanceof WebAssembly.LinkError || error instanceof TypeError) return PASSED;
      throw error;
    }
    return failed('expected that it cannot be linked, and it was');
  }

  async #invoke(invoke: Invoke): Promise<unknown> {
    return await (await this.#found(invoke)).call();
  }

  async #found(invoke: Invoke): Promise<{ call: () => unknown }> {
    const found = this.#instance(invoke.instance).find(invoke.export);
    if (found === undefined) throw new Error(`expected an export ${JSON.stringify(invoke.export)}, got none`);
    const args = invoke.arguments.map(constantOf);
    return { call: () => found(...args) };
  }

  #definition(name: string | null): Definition {
    const definition = this.#definitions.get(name);
    if (definition === undefined) throw new Missing(`there is no definition ${name ?? 'before it'}`);
    return definition;
  }

  #instance(name: string | null): Instance {
    const instance = this.#instances.get(name);
    if (instance === undefined) throw new Missing(`there is no instance ${name ?? 'before it'}`);
    return instance;
  }
}

function failed(detail: string): Result {
  return { kind: 'failed', detail };
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : printed(error);
}

function printed(value: unknown): string {
  return JSON.stringify(value, (_, each) => (typeof each === 'bigint' ? `${each}n` : each)) ?? String(value);
}
