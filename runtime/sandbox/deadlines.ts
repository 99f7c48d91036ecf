import { CloudletError } from '../../guest-sdk/protocol/index.ts';
import type { Call } from './channel/call.ts';
import type { Clock } from './clock.ts';
import { InFlight } from './in-flight.ts';
import { CALLER_GRACE_MS, CONFIRM_MS } from './sandbox-times.ts';

/** By when what runs in one sandbox has to end. One timer for all deadlines: nearly every invocation ends long before its own. */
export class Deadlines {
  readonly #clock: Clock;
  readonly #machineTime: Clock;
  readonly #overdue: (reason: string) => void;
  /** When each is to end. */
  readonly #due = new InFlight<Call, number>();
  /** When the callers of those are told whose end was asked for. */
  readonly #late = new InFlight<Call, number>();
  /** Those whose agents have to confirm their end, each with what stops the wait for that. */
  readonly #unconfirmed = new InFlight<Call, () => void>();
  /** Any early end, by deadline, by the caller's leaving or by a failing input, gives the agent so long to confirm it. */
  readonly #givenUp = (call: Call): void => {
    const stop = this.#machineTime.after(CONFIRM_MS, () =>
      this.#overdue(`an invocation could not be ended within ${CONFIRM_MS} ms`),
    );
    this.#unconfirmed.set(call, stop);
  };
  #firesAt = Number.POSITIVE_INFINITY;
  #stop: (() => void) | null = null;

  /** `overdue` hears that an invocation was not ended; `machineTime` takes longer where others hold up its machine. */
  constructor(clock: Clock, machineTime: Clock, overdue: (reason: string) => void) {
    this.#clock = clock;
    this.#machineTime = machineTime;
    this.#overdue = overdue;
  }

  /** An invocation begins: its agent is asked to end it at its deadline, and its caller told `CALLER_GRACE_MS` later if that is of no use. */
  begin(call: Call): void {
    const at = this.#clock.now() + call.deadlineMs;
    this.#due.set(call, at);
    this.#arm(at);
    call.whenGivenUp = this.#givenUp;
    // Its input may have failed at once.
    if (call.isGivenUp) this.#givenUp(call);
  }

  /** It has ended. */
  end(call: Call): void {
    if (!this.#due.delete(call)) this.#late.delete(call);
    this.#unconfirmed.get(call)?.();
    this.#unconfirmed.delete(call);
  }

  /** Nothing runs any more, nor will. */
  close(): void {
    this.#stop?.();
  }

  #arm(at: number): void {
    if (at >= this.#firesAt) return;
    this.#stop?.();
    this.#firesAt = at;
    this.#stop = this.#clock.after(at - this.#clock.now(), () => this.#fire());
  }

  #fire(): void {
    this.#firesAt = Number.POSITIVE_INFINITY;
    const now = this.#clock.now();
    const [due, late] = [passed(this.#due, now), passed(this.#late, now)];
    for (const call of due) {
      this.#due.delete(call);
      this.#late.set(call, now + CALLER_GRACE_MS);
    }
    for (const call of late) this.#late.delete(call);
    // Before anybody hears of it, whatever he makes of that.
    this.#arm(
      [...this.#due.values(), ...this.#late.values()].reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY),
    );
    for (const call of due) call.expire();
    for (const call of late) {
      call.fail(new CloudletError('deadline-exceeded', `the function did not finish within ${call.deadlineMs} ms`));
    }
  }
}

/** Those whose time has come. */
function passed(times: InFlight<Call, number>, now: number): Call[] {
  const at = times.values();
  return times.keys().filter((_, index) => at[index]! <= now);
}
