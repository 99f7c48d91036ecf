import { type GlueState, STATE_IMPORT } from '../../../runtime/agent/glue-state.ts';
import { exportErrorOf, type Instance } from './instance.ts';

/** How long a call may wait, milliseconds: only what hangs comes to it. An agent would end it by its deadline. */
const CALL_MS = 5_000;

/** A call that never ended; not a trap. */
export class NeverEnded extends Error {
  override readonly name = 'NeverEnded';
}

/** An instance of an asynchronous component: its calls are promises, and a trap of anything in it ends all of them. */
export class AsyncInstance implements Instance {
  readonly #state: GlueState = {};
  readonly #died = Promise.withResolvers<never>();
  #trapped = false;
  #lookUp: (name: string) => unknown = () => undefined;
  readonly #callMs: number;

  private constructor(callMs: number) {
    this.#callMs = callMs;
    this.#died.promise.catch(() => {});
    // Later: whoever it belongs to hears it by its own call first.
    this.#state.died = (error) => void setImmediate(() => this.#die(error));
  }

  /** `instantiate` gets the imports with what the glue wants of its surroundings, and gives what finds an export. */
  static async make(
    imports: Readonly<Record<string, unknown>>,
    instantiate: (imports: Record<string, unknown>) => Promise<(name: string) => unknown>,
    callMs = CALL_MS,
  ): Promise<AsyncInstance> {
    const made = new AsyncInstance(callMs);
    const whole = instantiate({ ...imports, [STATE_IMPORT]: made.#state });
    made.#lookUp = await made.#unlessHung(whole);
    return made;
  }

  find(name: string): ((...args: unknown[]) => Promise<unknown>) | undefined {
    const found = this.#lookUp(name);
    if (typeof found !== 'function') return undefined;
    return async (...args) => {
      if (this.#trapped) throw new WebAssembly.RuntimeError('the instance has trapped before');
      try {
        const call = async () => (found as (...given: unknown[]) => unknown)(...args);
        return await this.#unlessHung(Promise.race([call(), this.#died.promise]));
      } catch (error) {
        const typed = exportErrorOf(error);
        if (typed !== null) return typed;
        this.#trapped = true;
        throw error;
      }
    };
  }

  end(): void {
    this.#state.ended = true;
  }

  #die(error: unknown): void {
    this.#trapped = true;
    this.#died.reject(error);
  }

  async #unlessHung<Result>(promise: Promise<Result>): Promise<Result> {
    const hung = Promise.withResolvers<never>();
    const late = () => hung.reject(new NeverEnded(`it did not end within ${this.#callMs} ms`));
    const timer = setTimeout(late, this.#callMs);
    try {
      return await Promise.race([promise, hung.promise]);
    } finally {
      clearTimeout(timer);
    }
  }
}
