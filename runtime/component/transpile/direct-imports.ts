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
const GIVEN = (number: string): RegExp =>
  new RegExp(`^ {4}let trampoline${number} = (?=_trampoline${number}\\.manuallyAsync)`, 'm');
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
  const direct: string[] = [];
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
    direct.push(number);
    return `    const _trampoline${number} = function(${parameters}) {\n      _checkMayLeave(${component});\n${plain}    }\n`;
  });
  for (const number of direct) changed = giveAsItIs(changed, number);
  return direct.length === 0 ? glue : changed.replace(HEAD, (found) => found + FAIL);
}

function giveAsItIs(glue: string, number: string): string {
  const given = GIVEN(number).exec(glue);
  if (given === null) return glue;
  const begin = given.index + given[0].length;
  const suspending = endOfCall(glue, glue.indexOf('(', begin));
  if (suspending === null || !glue.startsWith(LOWERED, suspending)) return glue;
  const end = endOfCall(glue, suspending + LOWERED.length);
  return end === null ? glue : `${glue.slice(0, begin)}_trampoline${number}${glue.slice(end)}`;
}
