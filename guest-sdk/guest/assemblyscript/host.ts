// What every function has beside its world: words on standard error, time and randomness. Only what is used is imported.
import { utf8, write } from './streams';

@external("wasi:cli/stderr@0.2.12", "get-stderr")
declare function getStderr(): u32;
@external("wasi:random/random@0.2.12", "get-random-u64")
declare function getRandom(): u64;
@external("wasi:clocks/wall-clock@0.2.12", "now")
declare function getNow(area: usize): void;

const area = memory.data(16, 8);
let stderr: u32 = u32.MAX_VALUE;

/** Writes a line to standard error, which is the function's log. */
export function log(text: string): void {
  if (stderr == u32.MAX_VALUE) stderr = getStderr();
  write(stderr, utf8(text + '\n'));
}

/** Milliseconds since 1970. */
export function now(): i64 {
  getNow(area);
  return load<i64>(area) * 1000 + load<u32>(area, 8) / 1000000;
}

/** In place of the language's own, which asks a browser: what an assertion or an error says goes to the log before the trap. */
@global
function cloudlet_abort(message: string | null, file: string | null, line: u32, column: u32): void {
  const words = message === null ? 'aborted' : message;
  const place = file === null ? '' : ` at ${file}:${line}:${column}`;
  log(words + place);
  unreachable();
}

@global
function cloudlet_seed(): f64 {
  return reinterpret<f64>(getRandom());
}

/** In place of the language's own `console`. */
@global
namespace cloudlet_console {
  export function log(message: string = ''): void { print(message); }
  export function info(message: string = ''): void { print(message); }
  export function debug(message: string = ''): void { print(message); }
  export function warn(message: string = ''): void { print(message); }
  export function error(message: string = ''): void { print(message); }
  export function assert<T>(condition: T, message: string = ''): void {
    if (!condition) print('Assertion failed: ' + message);
  }
}

function print(message: string): void { log(message); }
