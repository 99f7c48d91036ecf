/**
 * State of the glue of jco 1.35.0 beside that of its instances, in the scope of the whole glue: how each is declared. All else there is written
 * once and then only read.
 */
const STATE: readonly RegExp[] = [
  /const RESOURCE_SCOPE_TASKS = (new Map\(\));/,
  /const ASYNC_TASKS_BY_COMPONENT_IDX = (new Map\(\));/,
  /const ASYNC_CURRENT_TASK_IDS = (\[\]);/,
  /const ASYNC_CURRENT_COMPONENT_IDXS = (\[\]);/,
  /const ASYNC_STATE = (new Map\(\));/,
  /const INSTANCE_FLAGS = (new Map\(\));/,
  /const STORE_TRAP = (\{ error: null \});/,
  /const STORE_ASYNC_STATE = (\{ deadlockCheck: null, pendingHostOperations: 0 \});/,
  /const GLOBAL_COMPONENT_MEMORY_MAP = (new Map\(\));/,
  /const CURRENT_TASK_META = (\{\});/,
  /const CURRENT_TASK_MAY_BLOCK ?= (globalThis\.WebAssembly \? new globalThis\.WebAssembly\.Global\([^)]*\) : false);/,
  /let SYMMETRIC_SYNC_GUEST_CALL_STACK = (\[\]);/,
  /const (?:FUTURE|STREAM)_TABLES = (\{\});/,
  /const (?:FUTURES|STREAMS) = (new RepTable\([^)]*\));/,
  /const HANDLE_TABLES ?= (\[\]);/,
  /const BUFFER_MGR = (new BufferManager\(\));/,
  /let (?:RESOURCE_SCOPE_ID) = (0);/,
  /let curResourceBorrows = (\[\]);/,
  // A view of the memory that was used last: it would be kept with it.
  /let dv = (new DataView\(new ArrayBuffer\(\)\));/,
  /let (?:wakes\$) = (0);/,
  /let (?:ticks\$) = (0);/,
  /let (?:asleep\$) = (\[\]);/,
];

/** Names in capitals that hold no state: the generator writes all that it shares so. */
const CONSTANT =
  /^(?:TEXT_(?:EN|DE)CODER_\w+|T_FLAG|CORE_TRAP_MESSAGES|ASYNC_DETERMINISM|ASYNC_EVENT_CODE|ASYNC_BLOCKED_CODE|I32_M(?:AX|IN)|NESTED_FUTURE_SYMBOL|[A-Z]\d+_M(?:AX|IN))$/;

const DECLARED = /^ {0,4}(?:const|let) ([A-Z][A-Z_\d]+) ?=/gm;
const BEGIN = /^ {2}let gen ?= \((function\* _initGenerator \(\) \{\n)/m;
const END = '\n  })();\n  let promise, resolve, reject;\n';
const RETURN = /^ {2}const maybeSyncReturn = runNext\(null\);\n {2}return promise \|\| maybeSyncReturn;\n/m;
const CODECS = /^ {2}let (codec0\$[^;]*);$/m;

/** Whether nothing of an instance that has served is under way in one of its components: no task, no wait, no look after them. */
const QUIET = `class ComponentAsyncState {
      isQuiet$() {
        return this.#tickLoop === null && this.#suspendedTasksByTaskID.size === 0 && this.#lockHolderTaskID === null
          && this.#lockWaiters.length === 0 && this.#pendingTaskStarts === 0 && this.#backpressureWaiters === 0n;
      }
`;

/**
 * The glue of an asynchronous component with a way to make another instance (`again`) when the one before is over and forgotten (`clear`), if nothing
 * of that is under way (`isQuiet`). To evaluate it anew makes its twenty classes anew, and what V8 had learnt of them is worth nothing. A glue of
 * another form is given back as it was, and is evaluated for each instance.
 */
export function renewableAsyncGlue(glue: string): string {
  const begin = BEGIN.exec(glue);
  const end = glue.lastIndexOf(END);
  if (begin === null || end < begin.index || !RETURN.test(glue) || !glue.includes('class ComponentAsyncState {\n'))
    return glue;
  const outer = glue.slice(0, begin.index);
  const resets: string[] = [];
  let changed = outer;
  const known = new Set<string>();
  for (const form of STATE) {
    changed = changed.replace(new RegExp(`^( *)${form.source}$`, 'gm'), (found, indent: string, value: string) => {
      const name = /(?:const|let) ([\w$]+)/.exec(found)![1]!;
      known.add(name);
      resets.push(`${name} = ${value};`);
      return `${indent}let ${name} = ${value};`;
    });
  }
  for (const [, name] of outer.matchAll(DECLARED)) if (!known.has(name!) && !CONSTANT.test(name!)) return glue;
  const codecs = CODECS.exec(outer)?.[1]?.split(', ') ?? [];
  const again = [...resets, ...codecs.map((name) => `${name} = undefined;`)].join('\n    ');
  return (
    changed.replace('class ComponentAsyncState {\n', QUIET) +
    glue
      .slice(begin.index, end)
      .replace(BEGIN, (_, generator: string) => `  const begin$ = ${generator}`)
      .concat('\n  };\n  let gen = begin$();\n  let promise, resolve, reject;\n') +
    glue.slice(end + END.length).replace(
      RETURN,
      () => `  const run$ = () => {
    const maybeSyncReturn = runNext(null);
    return promise || maybeSyncReturn;
  };
  state$.isQuiet = () => {
    if (STORE_TRAP.error !== null || STORE_ASYNC_STATE.pendingHostOperations !== 0) return false;
    for (const tasks of ASYNC_TASKS_BY_COMPONENT_IDX.values()) if (tasks.length > 0) return false;
    for (const state of ASYNC_STATE.values()) if (!state.isQuiet$()) return false;
    return true;
  };
  state$.clear = () => {
    ${again}
    gen = promise = resolve = reject = undefined;
  };
  state$.again = () => {
    gen = begin$();
    return run$();
  };
  return run$();
`,
    )
  );
}
