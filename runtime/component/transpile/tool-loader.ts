import { registerHooks } from 'node:module';

const SHIM = '@bytecodealliance/preview2-shim/';
const OURS = new URL('./tool-wasi.ts', import.meta.url).href;

/** Imports one of jco's tools, bound to our WASI instead of the shim that it names. */
export async function loadTool<T>(url: string): Promise<T> {
  const hooks = registerHooks({
    resolve: (specifier, context, next) =>
      specifier.startsWith(SHIM)
        ? { url: OURS, format: 'module-typescript', shortCircuit: true }
        : next(specifier, context),
  });
  try {
    return (await import(url)) as T;
  } finally {
    hooks.deregister();
  }
}
