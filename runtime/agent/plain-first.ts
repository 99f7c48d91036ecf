import { type CoreType, PlainCalls } from './plain-calls.ts';

/** Under this name the glue finds the means to call plainly. No component can import it: it is no WIT name. */
export const PLAIN_IMPORT = 'cloudlet:plain$';

/**
 * Calls that may wait and mostly need not, with the types of their parameters in the core module. Those of stores always wait, so that trying first
 * would be in vain.
 */
const CALLS: ReadonlyMap<string, readonly CoreType[]> = new Map([
  ['blockingRead', ['i32', 'i64', 'i32']],
  ['blockingSkip', ['i32', 'i64', 'i32']],
  ['blockingFlush', ['i32', 'i32']],
  ['blockingWriteAndFlush', ['i32', 'i32', 'i32', 'i32']],
  ['blockingWriteZeroesAndFlush', ['i32', 'i64', 'i32']],
  ['block', ['i32']],
  ['poll', ['i32', 'i32', 'i32']],
]);

/** A function of the glue that may wait, whole: indentation, name, parameters, what it does. */
const SUSPENDING =
  /^( *)const (trampoline\d+) = new WebAssembly\.Suspending\(async function\(([^)]*)\) \{\n([\s\S]*?)\n\1\}\n\1\);/gm;

/** The line in it that waits: what stands before, the call, its name, what stands behind. */
const AWAITED = /^( *)(.*)\bawait ((?:rsc\d+\.)?(\w+)\(.*\))( *\}?;)$/gm;

const GENERATOR_BEGIN = '\n  let gen = (function* init () {\n';

/** A glue whose calls go plainly first, and what it has to be given as `PLAIN_IMPORT`. */
export interface PlainFirst {
  readonly glue: string;
  readonly calls: PlainCalls;
}

/**
 * The glue with its calls that may wait made in two steps, where they are of a kind that mostly need not: a plain function does the call and says whether there is
 * something to wait for; only then the guest is suspended. Suspending costs a quarter of a microsecond each time, whether or not there is anything to wait for.
 * What is of an unknown form stays as it was.
 */
export function plainFirst(glue: string): PlainFirst {
  const types = new Map<string, readonly CoreType[]>();
  const changed = glue.replace(SUSPENDING, (whole, indent: string, name: string, parameters: string, body: string) => {
    const [awaited, another] = [...body.matchAll(AWAITED)];
    const known = CALLS.get(awaited?.[4] ?? '');
    if (awaited === undefined || another !== undefined || known?.length !== parameters.split(',').length) return whole;
    types.set(name, known);
    return `${indent}function ${name}$(first$) { return function(${parameters}) {\n${body.replace(AWAITED, tried)}\n${indent}}; }`;
  });
  const calls = new PlainCalls(types);
  if (types.size === 0) return { glue, calls };
  const names = [...types.keys()];
  const made = `    const { ${names.join(', ')} } = imports['${PLAIN_IMPORT}'].of({ ${names.map((name) => `${name}: ${name}$`).join(', ')} });\n`;
  const begin = changed.indexOf(GENERATOR_BEGIN) + GENERATOR_BEGIN.length;
  // The generator has always written this; without it the functions would be nowhere.
  if (begin < GENERATOR_BEGIN.length) return { glue, calls: new PlainCalls(new Map()) };
  return { glue: changed.slice(0, begin) + made + changed.slice(begin), calls };
}

/** The same line, which gives back 1 in place of waiting, and goes on with what came of that the next time. */
function tried(_: string, indent: string, before: string, call: string, __: string, after: string): string {
  return [
    `${indent}const val$ = first$.came === null ? ${call} : first$.take();`,
    `${indent}if (val$ instanceof Promise) return first$.waits(val$);`,
    `${indent}${before}val$${after}`,
  ].join('\n');
}
