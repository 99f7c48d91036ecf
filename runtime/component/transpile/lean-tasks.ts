import type { GlueChange } from './glue-change.ts';

/** Every waitable had a promise, and another after each event, for which nobody waits. */
const WAITABLE_PROMISE: GlueChange = {
  from: /^ *this\.#resetPromise\(\);\n/gm,
  to: () => '',
  anyTimes: true,
};

/** Numbers of tasks were big integers, each an object. */
const TASK_IDS: GlueChange = { from: /static _ID = 0n;/g, to: () => 'static _ID = 0;', anyTimes: true };

/** Which task runs was copied for each look; nobody changes what he is shown. */
const CURRENT_TASK: GlueChange = { where: 'return { ...v };', from: /return \{ \.\.\.v \};/g, to: () => 'return v;' };

/** That a task has ended is waited for in composed components alone. */
const EXIT_PROMISE: GlueChange = {
  where: 'promise: exitPromise,',
  from: /const \{\s*promise: exitPromise,\s*resolve: resolveExitPromise,\s*reject: rejectExitPromise,\s*\} = promiseWithResolvers\(\);\s*this\.#exitPromise = exitPromise;\n([\s\S]*?) *resolveExitPromise\(\);\n/,
  to: (_, settle) => settle!,
};

const EXIT_AWAITED: GlueChange = {
  where: 'exitPromise()',
  from: 'exitPromise() { return this.#exitPromise; }',
  to: () => `exitPromise() {
        this.#exitPromise ??= this.#exited ? Promise.resolve() : new Promise((resolve) => this.#onExitHandlers.push(resolve));
        return this.#exitPromise;
      }`,
};

/** A task whose way is free is entered at once, not after a turn of the microtask queue. */
const ENTER: GlueChange = {
  from: /const started = await task\.enter\(\);\n/g,
  to: () => 'const started = task.enterNow$() || await task.enter();\n',
  anyTimes: true,
};

const ENTER_NOW: GlueChange = {
  where: 'class AsyncTask {',
  from: /^ *async enter\(opts\) \{\n/m,
  to: (found) => `      enterNow$() {
        if (this.#entered || this.isSync() || this.#state !== AsyncTask.State.INITIAL) { return false; }
        const cstate = getOrCreateAsyncState(this.#componentIdx);
        if (cstate.hasBackpressure()) { return false; }
        if (this.needsExclusiveLock()) {
          if (cstate.isExclusivelyLocked() || cstate.isAwaited$()) { return false; }
          cstate.exclusiveLock(this.#id);
        }
        this.#entered = true;
        return true;
      }

${found}`,
};

const AWAITED: GlueChange = {
  where: '#lockWaiters',
  from: /^ *isExclusivelyLocked\(\) \{/m,
  to: (found) => `      isAwaited$() { return this.#lockWaiters.length > 0; }
${found}`,
};

/** Who waited for an instance that somebody took meanwhile asked for it in each microtask, so that nothing else ever happened. It is given on when it is free again. */
const HANDED_ON: GlueChange = {
  where: '#scheduleLockHandoff',
  from: /if \(this\.#lockHolderTaskID !== null\) \{\s*this\.#scheduleLockHandoff\(\);\s*return;\s*\}/,
  to: () => 'if (this.#lockHolderTaskID !== null) { return; }',
};

/** Whoever waits for the instance to be free; the list was copied each time that it was. */
const RELEASED: GlueChange = {
  where: '#onExclusiveReleaseHandlers',
  from: /this\.#onExclusiveReleaseHandlers = this\.#onExclusiveReleaseHandlers\.filter\(v => !!v\);\n[\s\S]*?\n {8}\}\n(?= *this\.#scheduleLockHandoff\(\);)/,
  to: () => `if (this.#onExclusiveReleaseHandlers.length > 0) {
          const released = this.#onExclusiveReleaseHandlers;
          this.#onExclusiveReleaseHandlers = [];
          for (const tell of released) { tell(); }
        }
`,
};

/**
 * Suspended tasks are looked after every 10 ms, also when what they wait for is there, and for ever. Now they are looked after when
 * something has happened, every 10 ms only for what does not say so, and not any more when the instance has been given up.
 */
const TICK_LOOP: GlueChange = {
  where: 'runTickLoop',
  from: /async runTickLoop\(\) \{\n[\s\S]*?\n {8}\}, 10\);\n {6}\}\n[\s\S]*?\n(?= *createWaitable\(args\) \{)/,
  to: () => `runTickLoop() {
        wakeTicks$();
        if (this.#tickLoop !== null) { return; }
        this.#tickLoop = 1;
        soon$(this.#look$);
      }

      #look$ = () => {
        const seen = wakes$;
        let result = ComponentAsyncState.TickResult.DONE;
        try {
          if (!state$.ended) { result = this.tick(); }
        } catch (err) {
          state$.died?.(err);
        }
        if (result === ComponentAsyncState.TickResult.DONE) { this.#tickLoop = null; return; }
        if (result === ComponentAsyncState.TickResult.RESUMED) { soon$(this.#look$); return; }
        _checkForDeadlock();
        idle$(this.#look$, seen);
      };

      // One at a time: the next goes on when all that the first does at once is done.
      tick() {
        for (const meta of this.#suspendedTasksByTaskID.values()) {
          if (!meta.task.isRejected() && !meta.readyFn()) { continue; }
          this.resumeTaskByID(meta.taskID);
          return ComponentAsyncState.TickResult.RESUMED;
        }
        return this.#suspendedTasksByTaskID.size > 0
        ? ComponentAsyncState.TickResult.IDLE
        : ComponentAsyncState.TickResult.DONE;
      }

`,
};

/** Suspended tasks were kept in a list beside their table, which was searched and copied. */
const SUSPENDED: readonly GlueChange[] = [
  {
    where: '#suspendedTaskIDs.findIndex',
    from: /^ *const idx = this\.#suspendedTaskIDs\.findIndex\([^\n]*\n([^\n]*\n) *this\.#suspendedTaskIDs\[idx\] = null;\n/m,
    to: (_, meta) => meta!,
  },
  {
    where: '#suspendedTaskIDs.push',
    from: /^ *this\.#suspendedTaskIDs\.push\(taskID\);\n[^\n]*\n[^\n]*\n *\}\n/m,
    to: () => '',
  },
];

/** Changes by which tasks of asynchronous components make no promise, list or copy that nobody asks for. */
export const LEAN_TASKS: readonly GlueChange[] = [
  WAITABLE_PROMISE,
  TASK_IDS,
  CURRENT_TASK,
  EXIT_PROMISE,
  EXIT_AWAITED,
  ENTER,
  ENTER_NOW,
  AWAITED,
  HANDED_ON,
  RELEASED,
  TICK_LOOP,
  ...SUSPENDED,
];
