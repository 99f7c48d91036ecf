import { readableName } from './function-name.ts';

/** Frames of the guest's stack that are told. */
const FRAMES = 8;

/** Longest name that is told, characters. */
const NAME_CHARACTERS = 100;

/** How many frames the engine keeps of a stack: a Rust panic alone has twelve above the function that panicked. */
export const KEPT_FRAMES = 64;

/** Functions that end a program for another: who reads a stack looks for the first below them. */
const ENDING =
  /^(?:abort|__wasi_proc_exit|rust_panic\w*|(?:std|core|alloc|__rustc)::|<(?:std|core|alloc)::|<.* as core::|__assert_fail|panic_)/;

/** What enters a program, below everything that its author wrote. */
const ENTERING =
  /^(?:__main_void|__original_main|_start(?:\.command_export)?|wasi:\S+#\S+|std::rt::.*|std::sys::backtrace::.*)$/;

/**
 * The functions of a guest's stack for people, innermost first: names as their author wrote them, of functions that call themselves one
 * with how often, those that only end the program left out while there are others.
 */
export function trapFrames(stack: string): readonly string[] {
  const names: string[] = [];
  for (const line of stack.split('\n')) {
    // V8 writes `at NAME (wasm://…)`, without a name `at wasm://…:wasm-function[7]:…`.
    const frame = /^\s+at (?:(.+) \()?wasm:\/\/[^)]*?(wasm-function\[\d+\])/.exec(line);
    if (frame !== null) names.push(readableName(frame[1] ?? frame[2]!).slice(0, NAME_CHARACTERS));
  }
  const own = names.findIndex((name) => !ENDING.test(name));
  while (own >= 0 && ENTERING.test(names.at(-1) ?? '')) names.pop();
  const told: { readonly name: string; times: number }[] = [];
  for (const name of own < 0 ? names : names.slice(own)) {
    const last = told.at(-1);
    if (last?.name === name) last.times += 1;
    else told.push({ name, times: 1 });
  }
  return told.slice(0, FRAMES).map(({ name, times }) => (times === 1 ? name : `${name} × ${times}`));
}

/** Whether a stack is as deep as the engine shows, all of it the guest's. */
export function fillsStack(stack: string): boolean {
  return (stack.match(/^\s+at .*wasm-function\[\d+\]/gm)?.length ?? 0) >= KEPT_FRAMES;
}
