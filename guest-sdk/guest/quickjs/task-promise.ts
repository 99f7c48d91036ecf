/**
 * Promises with a job queue that the program itself empties.
 *
 * componentize-qjs 0.4.5 never runs QuickJS's own job queue in a synchronous (WASI 0.2) export: whatever follows an `await` would
 * never happen. So async functions are compiled to generators over the global `Promise`, and that is this one.
 */

/** The jobs to run; an array with a read position, because shifting a long array costs its length. */
let jobs: (() => void)[] = [];

/** Runs `job` after the one that is running now. */
export function enqueue(job: () => void): void {
  jobs.push(job);
}

/** Runs every job, and those that they add, until none is left. */
export function runJobs(): void {
  while (jobs.length > 0) {
    const batch = jobs;
    jobs = [];
    for (const job of batch) job();
  }
}

type Outcome<T> =
  | { readonly kind: 'fulfilled'; readonly value: T }
  | { readonly kind: 'rejected'; readonly reason: unknown };
type Resolve<T> = (value: T | PromiseLike<T>) => void;
type Reject = (reason?: unknown) => void;
type Settled<T> =
  | { readonly status: 'fulfilled'; readonly value: T }
  | { readonly status: 'rejected'; readonly reason: unknown };

/** A promise as ECMAScript describes it, over the queue above. */
export class TaskPromise<T> implements PromiseLike<T> {
  #outcome: Outcome<T> | null = null;
  #waiting: ((outcome: Outcome<T>) => void)[] = [];

  constructor(executor: (resolve: Resolve<T>, reject: Reject) => void) {
    const { resolve, reject } = this.#once();
    try {
      executor(resolve, reject);
    } catch (error) {
      reject(error);
    }
  }

  /** How the promise ended, or null while it has not. */
  get outcome(): Outcome<T> | null {
    return this.#outcome;
  }

  then<A = T, B = never>(
    onFulfilled?: ((value: T) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): TaskPromise<A | B> {
    return new TaskPromise<A | B>((resolve, reject) => {
      this.#settled((outcome) => {
        try {
          if (outcome.kind === 'fulfilled') {
            if (typeof onFulfilled === 'function') resolve(onFulfilled(outcome.value));
            // Without a handler the value passes on as it is; A is T then.
            else resolve(outcome.value as unknown as A);
          } else if (typeof onRejected === 'function') resolve(onRejected(outcome.reason));
          else reject(outcome.reason);
        } catch (error) {
          reject(error);
        }
      });
    });
  }

  catch<B = never>(onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null): TaskPromise<T | B> {
    return this.then(null, onRejected);
  }

  finally(onFinally?: (() => unknown) | null): TaskPromise<T> {
    const settle = () => TaskPromise.resolve(onFinally?.());
    return this.then(
      (value) => settle().then(() => value),
      (reason: unknown) =>
        settle().then(() => {
          throw reason;
        }),
    );
  }

  get [Symbol.toStringTag](): string {
    return 'Promise';
  }

  static resolve(): TaskPromise<void>;
  static resolve<T>(value: T | PromiseLike<T>): TaskPromise<T>;
  static resolve<T>(value?: T | PromiseLike<T>): TaskPromise<T | undefined> {
    return value instanceof TaskPromise ? value : new TaskPromise((resolve) => resolve(value));
  }

  static reject<T = never>(reason?: unknown): TaskPromise<T> {
    return new TaskPromise((_, reject) => reject(reason));
  }

  static withResolvers<T>(): { promise: TaskPromise<T>; resolve: Resolve<T>; reject: Reject } {
    let resolve: Resolve<T> = () => {};
    let reject: Reject = () => {};
    const promise = new TaskPromise<T>((yes, no) => {
      resolve = yes;
      reject = no;
    });
    return { promise, resolve, reject };
  }

  static try<T>(work: () => T | PromiseLike<T>): TaskPromise<T> {
    return new TaskPromise((resolve) => resolve(work()));
  }

  static all<T>(values: Iterable<T | PromiseLike<T>>): TaskPromise<T[]> {
    return collect(values, (each, done, fail) => each.then(done, fail));
  }

  static allSettled<T>(values: Iterable<T | PromiseLike<T>>): TaskPromise<Settled<T>[]> {
    return collect(values, (each, done) =>
      each.then(
        (value) => done({ status: 'fulfilled', value }),
        (reason: unknown) => done({ status: 'rejected', reason }),
      ),
    );
  }

  static race<T>(values: Iterable<T | PromiseLike<T>>): TaskPromise<T> {
    return new TaskPromise((resolve, reject) => {
      for (const value of values) TaskPromise.resolve(value).then(resolve, reject);
    });
  }

  static any<T>(values: Iterable<T | PromiseLike<T>>): TaskPromise<T> {
    return new TaskPromise((resolve, reject) => {
      const failures = collect<T, unknown>(values, (each, done) => each.then(resolve, done));
      failures.then((reasons) => reject(new AggregateError(reasons, 'every promise was rejected')), reject);
    });
  }

  /** Functions of which the first call counts. */
  #once(): { resolve: Resolve<T>; reject: Reject } {
    let called = false;
    const first = (settle: () => void) => {
      if (called) return;
      called = true;
      settle();
    };
    return {
      resolve: (value) => first(() => this.#resolve(value)),
      reject: (reason) => first(() => this.#settle({ kind: 'rejected', reason })),
    };
  }

  #resolve(value: T | PromiseLike<T>): void {
    try {
      if (value === this) throw new TypeError('a promise cannot wait for itself');
      const then: unknown = isObject(value) ? value.then : undefined;
      if (isCallable(then)) enqueue(() => this.#follow(value, then));
      else this.#settle({ kind: 'fulfilled', value: value as T });
    } catch (reason) {
      this.#settle({ kind: 'rejected', reason });
    }
  }

  /** Takes the outcome of another promise, or of anything with a `then`. */
  #follow(thenable: unknown, then: (...args: unknown[]) => unknown): void {
    const { resolve, reject } = this.#once();
    try {
      then.call(thenable, resolve, reject);
    } catch (error) {
      reject(error);
    }
  }

  #settle(outcome: Outcome<T>): void {
    this.#outcome = outcome;
    for (const tell of this.#waiting) enqueue(() => tell(outcome));
    this.#waiting = [];
  }

  #settled(tell: (outcome: Outcome<T>) => void): void {
    const outcome = this.#outcome;
    if (outcome === null) this.#waiting.push(tell);
    else enqueue(() => tell(outcome));
  }
}

function isObject(value: unknown): value is { readonly then?: unknown } {
  return (typeof value === 'object' && value !== null) || typeof value === 'function';
}

function isCallable(value: unknown): value is (...args: unknown[]) => unknown {
  return typeof value === 'function';
}

/** A promise of what `watch` reports for each value, in the order of the values. */
function collect<T, R>(
  values: Iterable<T | PromiseLike<T>>,
  watch: (each: TaskPromise<T>, done: (result: R) => void, fail: Reject) => unknown,
): TaskPromise<R[]> {
  return new TaskPromise((resolve, reject) => {
    const results: R[] = [];
    let left = 1;
    const arrived = () => {
      left -= 1;
      if (left === 0) resolve(results);
    };
    let count = 0;
    for (const value of values) {
      const at = count;
      count += 1;
      left += 1;
      const done = (result: R) => {
        results[at] = result;
        arrived();
      };
      watch(TaskPromise.resolve(value), done, reject);
    }
    arrived();
  });
}
