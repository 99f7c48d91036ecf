import { leanTables } from './glue-tables.ts';

/** Under this name the glue finds where to put the means to renew its state. No component can import it: it is no WIT name. */
export const STATE_IMPORT = 'cloudlet:state$';

/** How an evaluated glue is used again for the next invocation; filled by the glue when its instances are made. */
export interface GlueState {
  /** Empties its tables of handles and of the host's resources. */
  reset?: () => void;
  /** Tells the glue of an asynchronous component that its instance was given up: it looks after its tasks no more. */
  ended?: boolean;
  /** Is told what an asynchronous component dies of, wherever that is. */
  died?: ((error: unknown) => void) | undefined;
  /** Of an asynchronous component: whether nothing of its instance is under way. */
  isQuiet?: () => boolean;
  /** Forgets an instance of which nothing is under way. */
  clear?: () => void;
  /** Makes another instance after that, by the same glue. */
  again?: () => unknown;
}

const HEAD = /^export (?:async )?function instantiate\([^)]*\) \{/m;
const GENERATOR_BEGIN = '\n  let gen = (function* init () {\n';
const GENERATOR_END = /\n {4}return \{ [^\n]*\};\n {2}\}\)\(\);\n/;

/** State in the scope of the whole glue: what makes it empty again, or null where nothing can be left in it. */
const OUTER: readonly (readonly [RegExp, ((name: string) => string) | null])[] = [
  [/^let (curResourceBorrows) = \[\];$/, (name) => `if (${name}.length > 0) ${name} = [];`],
  // A view of the memory that is in use, and the length of the text that was lowered last: both are set before they are read.
  [/^let dv = new DataView\(new ArrayBuffer\(\)\);$/, null],
  [/^let utf8EncodedLen = 0;$/, null],
  // Scratch space of a conversion, written before it is read.
  [/^const (?:i64ToF64[IF]|i32ToF32[IF]) = new \w+Array\([^)]*\);$/, null],
  [/^const (?:handleTables = \[\]|utf(?:8|16)(?:En|De)coder = new Text(?:En|De)coder\([^)]*\));$/, null],
  [/^const (?:hasOwnProperty = Object\.prototype\.hasOwnProperty|T_FLAG = 1 << 30);$/, null],
  [/^const symbol\w+ = Symbol(?:\.for)?\('\w+'\);$/, null],
  [/^const symbolDispose = Symbol\.dispose \|\| Symbol\.for\('dispose'\);$/, null],
  [/^const \w+ = (?:\w+|\(\w+(?:, \w+)*\)) => [^{}]*;$/, null],
  [/^const isLE = [^;]*;$/, null],
  [/^const module\d+ = getCoreModule\('[^']*'\);$/, null],
  [/^const \{ [^=]* \} = imports(?:\['[^']*'\]|\.\w+);$/, null],
];

/** State beside the instances. What is assigned once, when they are made, needs nothing. */
const INNER: readonly (readonly [RegExp, ((name: string) => string) | null])[] = [
  [/^let captureCnt\d+ = 0;$/, null],
  [
    /^const captureTable(\d+)= new Map\(\);$/,
    (at) =>
      `if (captureCnt${at} > 0 || captureTable${at}.size > 0) { captureCnt${at} = 0; captureTable${at}.clear(); }`,
  ],
  [/^const (handleTable\d+) = \[T_FLAG, 0\];$/, (name) => `if (${name}.length > 2) tables$.empty(${name});`],
  // An imported global: its value is put back with those of the modules.
  [/^const instanceFlags\d+ = new WebAssembly\.Global\(\{ value: "i32", mutable: true \}, \d+\);$/, null],
  [/^let [\w$]+;$/, null],
  [/^const trampoline\d+ = new WebAssembly\.Suspending\(async function\([^)]*\) \{$/, null],
  [/^const [\w$]+ = \{$/, null],
];

/**
 * The glue with a way to use its functions, which were compiled and are warm, for another invocation: to forget every handle and
 * resource. Every declaration that could hold something is looked at; when one is of an unknown form the glue is given back as it was,
 * `STATE_IMPORT` stays empty, and each invocation has to evaluate it anew.
 */
export function renewableGlue(glue: string): string {
  const head = HEAD.exec(glue);
  const generator = glue.indexOf(GENERATOR_BEGIN);
  const end = GENERATOR_END.exec(glue);
  // An exported resource has a finalizer, which would call into the instance long after its invocation.
  if (head === null || generator < 0 || end === null || glue.includes('FinalizationRegistry')) return glue;
  const outer = resets(glue.slice(head.index + head[0].length, generator), 2, OUTER);
  const inner = resets(glue.slice(generator + GENERATOR_BEGIN.length, end.index), 4, INNER);
  if (outer === null || inner === null) return glue;
  const renewal = `imports['${STATE_IMPORT}'].reset = () => { ${[...outer, ...inner].join(' ')} };`;
  return leanTables(`${glue.slice(0, end.index)}\n    ${renewal}${glue.slice(end.index)}`) ?? glue;
}

/** What empties every declaration at this indentation, or null when one is of an unknown form. */
function resets(
  text: string,
  indentation: number,
  known: readonly (readonly [RegExp, ((name: string) => string) | null])[],
): string[] | null {
  const declaration = new RegExp(`^ {${indentation}}(?=(?:let|const|var|class)\\b)(.*)$`, 'gm');
  const statements: string[] = [];
  for (const [, line] of text.matchAll(declaration)) {
    if (line!.startsWith('class ComponentError extends Error {')) continue;
    const form = known.find(([pattern]) => pattern.test(line!));
    if (form === undefined) return null;
    const name = form[0].exec(line!)?.[1];
    if (form[1] !== null && name !== undefined) statements.push(form[1](name));
  }
  return statements;
}
