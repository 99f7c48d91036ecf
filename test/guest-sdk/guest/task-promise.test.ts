import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { enqueue, runJobs, TaskPromise } from '../../../guest-sdk/guest/quickjs/task-promise.ts';

/** A program over a promise class, which notes what happens; the same for the engine's class and for ours. */
type Program = (P: PromiseConstructor, note: (what: unknown) => void, job: (work: () => void) => void) => void;

const nothing = () => {};

const PROGRAMS: Record<string, Program> = {
  'runs handlers after the present job': (P, note) => {
    P.resolve(1).then(note);
    note('now');
  },
  'passes values and reasons through missing handlers': (P, note) => {
    P.resolve(1).then(null).then(note);
    P.reject('no').then(note).catch(note);
  },
  'takes over the outcome of a promise that is given as the value': (P, note) => {
    new P((resolve) => resolve(P.resolve('inner'))).then(note);
    P.resolve()
      .then(() => P.reject('inner reason'))
      .catch(note);
  },
  'orders the handlers of several promises by when they settled': (P, note) => {
    const settled = P.resolve();
    settled.then(() => note('a1')).then(() => note('a2'));
    settled.then(() => note('b1')).then(() => note('b2'));
    new P<void>((resolve) => resolve(settled)).then(() => note('adopted'));
  },
  'turns what an executor, a handler or a thenable throws into a rejection': (P, note) => {
    new P(() => {
      throw 'executor';
    }).catch(note);
    P.resolve()
      .then(() => {
        throw 'handler';
      })
      .catch(note);
    P.resolve(
      Object.defineProperty({}, 'then', {
        get() {
          throw 'thenable';
        },
      }),
    ).catch(note);
  },
  'settles once': (P, note) => {
    new P((resolve, reject) => {
      resolve('first');
      reject('second');
      throw 'third';
    }).then(note, note);
  },
  'refuses to wait for itself': (P, note) => {
    const { promise, resolve } = P.withResolvers();
    resolve(promise);
    promise.catch((error) => note(error instanceof TypeError));
  },
  'runs finally without changing the outcome': (P, note) => {
    P.resolve(1)
      .finally(() => note('finally'))
      .then(note);
    P.reject(2)
      .finally(() => 3)
      .catch(note);
    P.resolve(1)
      .finally(() => {
        throw 'from finally';
      })
      .catch(note);
  },
  'gathers all, in the order of the values': (P, note, job) => {
    const { promise, resolve } = P.withResolvers();
    P.all([promise, 2, P.resolve(3)]).then(note);
    P.all([]).then(note);
    P.all([1, P.reject('one failed')]).catch(note);
    job(() => resolve('late'));
  },
  'gathers outcomes': (P, note) => {
    P.allSettled([1, P.reject('r')]).then((outcomes) => note(JSON.stringify(outcomes)));
  },
  'takes the first that settles': (P, note) => {
    P.race([new P(nothing), P.reject('lost'), P.resolve('won')]).then(note, note);
    P.race([P.resolve('x'), 'y']).then(note);
  },
  'takes the first that is fulfilled, or all reasons': (P, note) => {
    P.any([P.reject(1), P.resolve(2)]).then(note);
    P.any([P.reject(1), P.reject(2)]).catch((error: AggregateError) => note(error.errors));
  },
  'gives a promise back as itself': (P, note) => {
    const promise = P.resolve(1);
    note(P.resolve(promise) === promise);
  },
};

const promises = suite('a task promise');

for (const [promise, program] of Object.entries(PROGRAMS)) {
  promises(`${promise}, as the engine's does`, async () => {
    const native: unknown[] = [];
    program(Promise, (what) => native.push(what), queueMicrotask);
    await new Promise((resolve) => setImmediate(resolve));

    const ours: unknown[] = [];
    program(TaskPromise as unknown as PromiseConstructor, (what) => ours.push(what), enqueue);
    runJobs();
    assert.ok(native.length > 0);
    assert.equal(ours, native);
  });
}

promises('works with await', async () => {
  const waiting = (async () => [await TaskPromise.resolve(1), await TaskPromise.reject(2).catch((two) => two)])();
  const pump = setInterval(runJobs, 1);
  assert.equal(await waiting, [1, 2]);
  clearInterval(pump);
});

promises.run();
