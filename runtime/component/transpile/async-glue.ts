import { BYTE_STREAMS } from './byte-streams.ts';
import { callDirectly } from './direct-imports.ts';
import { dropCalls } from './dropped-calls.ts';
import { type GlueChange as Change, changeGlue } from './glue-change.ts';
import { HOST_READS } from './host-reads.ts';
import { keepCodecs } from './kept-codecs.ts';
import { LEAN_TASKS } from './lean-tasks.ts';
import { renewableAsyncGlue } from './renewable-async-glue.ts';

/** Looks at an environment variable of a process for every step; its arguments are made even so. */
const DEBUG_LOG: Change = {
  where: '_debugLog',
  from: /const _debugLog = \(\.\.\.args\) => \{\n[^\n]*\n[^\n]*\n {2}\};/,
  to: () => 'const _debugLog = () => {};',
};

/**
 * Waiting for an event of a stream or future: an interval of a millisecond asks for it, for ever if it never comes. Whoever sets the
 * event can say so.
 */
const POLLED_EVENT: Change = {
  from: /await new Promise\(\(resolve\) => \{\s*let waitInterval = setInterval\((?:async )?\(\) => \{\s*if \(!this\.hasPendingEvent\(\)\) \{ return; \}\s*clearInterval\(waitInterval\);\s*resolve\(\);\s*\}\);\s*\}\);/g,
  to: () => 'await this.getWaitable().heard$();',
  anyTimes: true,
};

const SET_EVENT: Change = {
  where: '#pendingEventFn',
  from: /this\.#pendingEventFn = fn;\n/,
  to: () => `this.#pendingEventFn = fn;
        const heard = this.#heard$;
        this.#heard$ = null;
        heard?.();
        wakeTicks$();
`,
};

const HEARD: Change = {
  where: 'class Waitable',
  from: 'class Waitable {\n',
  to: () => `class Waitable {
    #heard$ = null;
    heard$() {
      return new Promise((resolve) => {
        if (this.hasPendingEvent()) return resolve();
        const before = this.#heard$;
        this.#heard$ = () => { before?.(); resolve(); };
      });
    }
`,
};

const SUBTASK_RESOLVED: Change = {
  from: /this\.#resolved = true;\n(\s*)this\.#parentTask\.removeSubtask\(this\);\n/g,
  to: (found, indent) => `${found}${indent}wakeTicks$();\n`,
  anyTimes: true,
};

/** Bytes from the host go one by one through an array. */
const DRAIN: Change = {
  from: /for \(let i = 0; i < transfer; i\+\+\) \{\s*target\.push\(chunk\[this\.#offset \+ i\]\);\s*\}/,
  to: () => `const from$ = this.#offset;
        for (let i = 0; i < transfer; i += 8192) target.push(...chunk.slice(from$ + i, from$ + Math.min(i + 8192, transfer)));`,
  anyTimes: true,
};

/** Something that is ready goes on at once; by chance every second was made to wait for a turn. */
const COIN: Change = {
  where: '_coinFlip',
  from: 'const _coinFlip = () => { return Math.random() > 0.5; };',
  to: () => 'const _coinFlip = () => true;',
};

/** A task that ends while a later one goes on stays in the list of tasks for ever, which is searched in each step. */
const ENDED_TASK: Change = {
  where: 'no current tasks for component instance',
  from: /if \(last\.id !== taskID\) \{\s*\/\/ throw [^\n]*\n\s*return;\s*\}/,
  to: () => `if (last.id !== taskID) {
        const at = tasks.findIndex((each) => each.id === taskID);
        return at === -1 ? undefined : tasks.splice(at, 1)[0].task;
      }`,
};

/**
 * Resources in streams, futures and results of asynchronous functions go through the table of the outermost component, whichever has them.
 * The right table is named beside.
 */
const OWN_TABLE: Change = {
  from: /_(?:lift|lower)FlatOwn\(\{\s*componentIdx: \d+,\s*tableIdx: (\d+),[\s\S]*?return (?:resourceObj|handle);/g,
  to: (found, table) => found.replace(/\bhandleTable\d+\b/g, `handleTable${table}`),
  anyTimes: true,
};

/** What a task dies of after it has returned, or a call of the host in its name, is told nobody. */
const DIED_IN_TASK: Change = {
  where: 'handleError',
  from: /const handleError = \(err\) => \{\n/,
  to: (found) => `${found}      state$.died?.(err);\n`,
};

const DIED_IN_HOST: Change = {
  where: 'manualAsyncResult',
  from: /manualAsyncResult\.reject\(err\);\s*return;\s*\}\n/,
  to: (found) => `${found}        state$.died?.(err);\n`,
};

/**
 * Each stream and future is noted in a table under a number, by which it is found when the host gives it back to a guest, and never taken off it. It stands for itself
 * now, so that it lives as long as one of its ends does.
 */
const NOTED_STREAM: Change = {
  from: /\b(?:STREAMS|FUTURES)\.(?:insert|get)\((\w+)\)/g,
  to: (_, given) => `(${given})`,
  anyTimes: true,
};

/**
 * A resumed task is followed by the next one when all that it does at once is done: that is when the queue of microtasks is empty, after which come
 * the ticks of Node that a microtask asked for. To wait for a turn of the event loop instead costs system calls. Every so often it is one all the same, so that guests who
 * only yield to each other do not keep what they wait for from coming.
 */
const TICKS_A_TURN = 8;

/**
 * Whether all tasks wait for each other is looked at after each wait that begins, by a timer for each. What trapped at once does so after some
 * milliseconds now, and a busy instance looks once for many waits.
 */
const DEADLOCK_CHECK: Change = {
  where: 'function _checkForDeadlock',
  from: /for \(const state of ASYNC_STATE\.values\(\)\) \{ state\.runTickLoop\(\); \}\n(\s*)\}, 0\);/,
  to: (found) => found.replace('}, 0);', '}, 10);'),
};

const HEAD: Change = {
  from: /^export function instantiate\([^)]*\) \{\n/m,
  to: (found) => `${found}  const state$ = imports['cloudlet:state$'] ?? {};
  let ticks$ = 0;
  const done$ = Promise.resolve();
  const soon$ = (then) => {
    ticks$ = (ticks$ + 1) % ${TICKS_A_TURN};
    if (ticks$ === 0) setImmediate(then);
    else void done$.then(() => process.nextTick(then));
  };
  let wakes$ = 0;
  let asleep$ = [];
  const wakeTicks$ = () => {
    wakes$ += 1;
    if (asleep$.length === 0) return;
    const woken = asleep$;
    asleep$ = [];
    for (const wake of woken) wake();
  };
  let napping$ = false;
  const idle$ = (then, seen) => {
    if (wakes$ !== seen) return soon$(then);
    asleep$.push(() => soon$(then));
    if (napping$) return;
    napping$ = true;
    setTimeout(() => { napping$ = false; if (asleep$.length > 0) wakeTicks$(); }, 10);
  };
  const forgetEnd$ = (tables, tableIdx, end) => {
    const { table, componentIdx } = tables[tableIdx];
    const { handles } = getOrCreateAsyncState(componentIdx);
    if (handles.get(end.waitableIdx()) !== end) return;
    handles.remove(end.waitableIdx());
    table.remove(end.handle());
  };
`,
};

/** Buffers of streams and futures are noted in a map, from which nobody takes them or takes them away. */
const NOTED_BUFFER: Change = {
  where: 'class BufferManager',
  from: /instanceBuffers\.set\(nextBufID, buffer\);\n/,
  to: () => '\n',
};

const CHANGES: readonly Change[] = [
  DEBUG_LOG,
  POLLED_EVENT,
  SET_EVENT,
  HEARD,
  SUBTASK_RESOLVED,
  DRAIN,
  ENDED_TASK,
  OWN_TABLE,
  DIED_IN_TASK,
  DIED_IN_HOST,
  COIN,
  NOTED_BUFFER,
  NOTED_STREAM,
  DEADLOCK_CHECK,
  HEAD,
];

/** What says something for the authors of the glue: a log, and names of things for it. */
const SAYING: readonly string[] = ['_debugLog', 'setTarget'];

/**
 * The glue of an asynchronous component without its polling. Throws `component-refused` when the generator writes other text than that
 * of its pinned version.
 */
export function wakeGlue(glue: string): string {
  const awake = callDirectly(dropCalls(changeGlue(glue, CHANGES), SAYING));
  const changed = changeGlue(awake, [...LEAN_TASKS, ...HOST_READS, ...BYTE_STREAMS]);
  const { glue: kept, names } = keepCodecs(changed);
  const declared =
    names.length === 0 ? changed : kept.replace(HEAD.from, (found) => `${found}  let ${names.join(', ')};\n`);
  return renewableAsyncGlue(declared);
}
