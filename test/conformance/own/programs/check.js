// What the programs of our own share: they note every function of WASI that returned to them, and stop at the first thing that is not as it should be.

const noted = new Set();

/** The engine has no TextEncoder. */
export function utf8(string) {
  return Uint8Array.from(unescape(encodeURIComponent(string)), (char) => char.charCodeAt(0));
}

export function text(bytes) {
  return decodeURIComponent(escape(String.fromCharCode(...bytes)));
}

/** An interface whose functions, methods and constructors are noted when they are called, under the interface's name. */
export function watched(name, module) {
  const copy = {};
  for (const [key, value] of Object.entries(module)) {
    copy[key] =
      typeof value !== 'function'
        ? value
        : /^[A-Z]/.test(key)
          ? watchedClass(name, key, value)
          : noting(`${name} ${key}`, value);
  }
  return copy;
}

function noting(label, fn) {
  return function (...args) {
    noted.add(label);
    return fn.apply(this, args);
  };
}

function watchedClass(name, key, Class) {
  for (const method of Object.getOwnPropertyNames(Class.prototype)) {
    const { value } = Object.getOwnPropertyDescriptor(Class.prototype, method);
    if (method === 'constructor' || typeof value !== 'function') continue;
    Class.prototype[method] = noting(`${name} ${key}.${method}`, value);
  }
  return new Proxy(Class, {
    construct: (target, args) => {
      noted.add(`${name} ${key}.constructor`);
      return Reflect.construct(target, args);
    },
    get: (target, property) => {
      const value = target[property];
      if (typeof value !== 'function' || property === 'prototype') return value;
      return noting(`${name} ${key}.${String(property)}`, value);
    },
  });
}

/** The functions that were called, a line each. */
export function called() {
  return [...noted]
    .sort()
    .map((label) => `called ${label}\n`)
    .join('');
}

export function equal(actual, expected, what) {
  const [got, wanted] = [shown(actual), shown(expected)];
  if (got !== wanted) throw new Error(`${what}: expected ${wanted}, got ${got}`);
}

export function ok(value, what) {
  if (!value) throw new Error(`${what}: expected it to hold`);
}

/** Calls something that has to fail with a typed error; the code is that of an enum, or the tag of a variant. */
export function fails(code, fn, what) {
  let value;
  try {
    value = fn();
  } catch (error) {
    const payload = error instanceof Error && 'payload' in error ? error.payload : error;
    const got = payload?.tag ?? payload;
    equal(got instanceof Error ? got.message : got, code, what ?? `the error of ${fn}`);
    return;
  }
  throw new Error(`${what ?? fn}: expected the error ${code}, got ${shown(value)}`);
}

function shown(value) {
  return JSON.stringify(value, (_, each) => {
    if (ArrayBuffer.isView(each)) return [...each];
    return each === undefined ? null : each;
  });
}

/** Runs the parts of a program; tells what was called on standard output, what went wrong on standard error. Gives whether all went well. */
export function report(parts, { getStdout, getStderr }) {
  for (const [name, part] of Object.entries(parts)) {
    try {
      part();
    } catch (error) {
      const words =
        error instanceof Error && 'payload' in error
          ? `typed error ${shown(error.payload)}`
          : `${error?.message ?? error}`;
      write(getStderr(), `${name}: ${words}\n${error?.stack ?? ''}`);
      return false;
    }
  }
  write(getStdout(), called());
  return true;
}

function write(stream, string) {
  const bytes = utf8(string);
  for (let at = 0; at < bytes.length; at += 4096) stream.blockingWriteAndFlush(bytes.subarray(at, at + 4096));
}
