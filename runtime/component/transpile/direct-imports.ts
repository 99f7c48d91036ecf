import { endOfCall } from './dropped-calls.ts';

/** A function of the host as the glue of jco 1.35.0 writes it, up to its end; `async` ones wait and are none of them. */
const HOST_FUNCTION =
  /^ {4}const _trampoline(\d+) = function\(([^)]*)\) \{\n([\s\S]*?)^ {4}\}\n(?= {4}_trampoline\1\.fnName)/gm;

/** What makes a task of its own for such a call, below a subtask of the guest's task. */
const BEGIN =
  /^ {6}const hostProvided = true;\n\s*let parentTask;\n\s*let task;\n\s*let subtask;\n[\s\S]*?parentTask = getCurrentTask\(\n\s*(\d+),[\s\S]*?^ {6}const started = task\.enterSync\(\);\n/m;
const CALL =
  /_withGlobalCurrentTaskMeta\(\{\s*componentIdx: task\.componentIdx\(\),\s*taskID: task\.id\(\),\s*fn: \(\) => (_trackHostOperation\([\s\S]*?\)),\n\s*\}\)/g;
const FAILED = /task\.setErrored\(err\);\s*task\.reject\(err\);\s*task\.exit\(\);/g;
const END = /^ {6}task\.resolve\(\[[^\]\n]*\]\);\s*task\.exit\(\);/gm;

/** How such a function is given to WebAssembly. */
const GIVEN = /^ {4}let trampoline(\d+) = (?=_trampoline\1\.manuallyAsync)/gm;
const LOWERED = ' : _lowerImportBackwardsCompat.bind';

const HEAD = /^export function instantiate\([^)]*\) \{\n/m;

/** A failed call fails whoever waits for the guest's task, even where the guest would catch what is thrown. */
const FAIL = `  const failHostCall$ = (componentIdx, err) => {
    const meta = CURRENT_TASK_META[componentIdx];
    if (meta) getCurrentTask(componentIdx, meta.taskID)?.task.reject(err);
  };
`;

/**
 * The glue with functions of the host that do not wait as plain calls. It made a task, a subtask and a handle for each call of one, with promises for
 * waits that cannot be, and described all types of it for each instance. What one of them does not need, or has in another form, is left as it was.
 */
export function callDirectly(glue: string): string {
  const direct = new Set<string>();
  let changed = glue.replace(HOST_FUNCTION, (found, number: string, parameters: string, body: string) => {
    const begin = BEGIN.exec(body);
    if (begin === null) return found;
    const component = begin[1]!;
    const plain = body
      .replace(BEGIN, '')
      .replace(CALL, (_, operation: string) => operation)
      .replace(FAILED, `failHostCall$$(${component}, err);`)
      .replace(END, '');
    if (/\b(?:task|subtask|parentTask|hostProvided|started)\b/.test(plain)) return found;
    direct.add(number);
    return `    const _trampoline${number} = function(${parameters}) {\n      _checkMayLeave(${component});\n${plain}    }\n`;
  });
  if (direct.size === 0) return glue;
  changed = giveAsTheyAre(changed, direct);
  return changed.replace(HEAD, (found) => found + FAIL);
}

function giveAsTheyAre(glue: string, direct: ReadonlySet<string>): string {
  let given = '';
  let at = 0;
  for (const match of glue.matchAll(GIVEN)) {
    const begin = match.index + match[0].length;
    const suspending = direct.has(match[1]!) ? endOfCall(glue, glue.indexOf('(', begin)) : null;
    if (suspending === null || !glue.startsWith(LOWERED, suspending)) continue;
    const end = endOfCall(glue, suspending + LOWERED.length);
    if (end === null) continue;
    given += `${glue.slice(at, begin)}_trampoline${match[1]}`;
    at = end;
  }
  return given + glue.slice(at);
}
