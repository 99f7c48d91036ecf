/** Interfaces in which nothing waits during a typed call: its output goes to the log, its input is empty, its files are in memory. */
const NEVER_WAITING = /^wasi:(?:cli|clocks|config|filesystem|logging|random)\/|^wasi:io\/(?:error|streams)$/;

const IMPORTED = /^ *const \{ [^=]* \} = imports(?:\['([^']*)'\]|\.(\w+));$/gm;

/** What the glue enters so that it may wait: the exported function, and its name. */
const ENTERED = /\bWebAssembly\.promising\((exports\d+(?:\.([\w$]+)|\['([^']*)'\]))\)/g;

/** Doors whose guests read what its caller still sends, or write what that has to take. */
const DOOR = /^wasi:(?:cli\/run|http\/)/;

/**
 * The glue with typed exports entered plainly, of a component that can wait for nothing in them: each call of the host is a third cheaper then, and so is entering.
 * Others give back their glue, and so does one in which a call of the host is still bound as one that may wait: it could not be called from there.
 */
export function enterPlainly(glue: string): string {
  if (glue.includes('new WebAssembly.Suspending(')) return glue;
  for (const [, quoted, plain] of glue.matchAll(IMPORTED)) {
    if (!NEVER_WAITING.test(quoted ?? plain!)) return glue;
  }
  return glue.replace(ENTERED, (whole, entered: string, plain?: string, quoted?: string) =>
    DOOR.test(quoted ?? plain!) ? whole : entered,
  );
}
