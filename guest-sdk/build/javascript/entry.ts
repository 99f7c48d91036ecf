import { join } from 'node:path';
import { CloudletError, formatFunction, type WitFunction, type WitType } from '../../protocol/index.ts';
import type { Project } from '../project.ts';
import { GUEST_FOLDER } from './bundle.ts';
import { camel, signed } from './signed.ts';

type Backend = Project['backend'];

/** The module that serves HTTP by the default export of the author's module. */
export function httpEntry(source: string, backend: Backend, hasFetch: boolean): string {
  const library = (file: string) => JSON.stringify(join(GUEST_FOLDER, backend, file));
  const app = JSON.stringify(source);
  const check = `if (typeof app?.fetch !== 'function') throw new TypeError('the entry must have a default export with a method fetch');\n`;
  if (backend === 'starlingmonkey')
    return `${globals(backend, hasFetch)}import { listen } from ${library('http.ts')};\nimport app from ${app};\n${check}listen(app);\n`;
  return `${globals(backend, hasFetch)}import { incomingHandler as serve } from ${library('http.ts')};
import app from ${app};
${check}export const incomingHandler = serve(app);
`;
}

/** What QuickJS lacks, and `fetch` as far as the function has one: what it imports asks for a grant. */
function globals(backend: Backend, hasFetch: boolean): string {
  const own = backend === 'quickjs' ? ['quickjs/globals.ts', ...(hasFetch ? ['quickjs/fetch-global.ts'] : [])] : [];
  const files = [...own, ...(hasFetch ? [] : ['no-fetch.ts'])];
  return files.map((file) => `import ${JSON.stringify(join(GUEST_FOLDER, file))};\n`).join('');
}

/** The module that exports a world's functions by those of the author's module, which are named in camel case. */
export function typedEntry(
  source: string,
  backend: Backend,
  functions: readonly WitFunction[],
  hasFetch: boolean,
): string {
  const library = (file: string) => JSON.stringify(join(GUEST_FOLDER, backend, file));
  const own = functions
    .filter((fn) => fn.interface === null)
    .map((fn) => `export const ${camel(fn.function)} = ${wrap(fn, [], backend)};\n`);
  const interfaces = [...new Set(functions.flatMap((fn) => fn.interface ?? []))].map((name) => {
    const members = functions.filter((fn) => fn.interface === name);
    const short = camel(name.replace(/^.*\//, '').replace(/@.*$/, ''));
    const lines = members.map((fn) => `  ${camel(fn.function)}: ${wrap(fn, [short], backend)},\n`);
    return `export const ${short} = {\n${lines.join('')}};\n`;
  });
  return `${globals(backend, hasFetch)}import { typed } from ${library('typed.ts')};
import * as app from ${JSON.stringify(source)};
function find(path, signature) {
  const found = path.reduce((from, name) => from?.[name], app);
  if (typeof found !== 'function') throw new TypeError('the entry must export ' + path.join('.') + ', for ' + signature);
  return found;
}
${own.join('')}${interfaces.join('')}`;
}

function wrap(fn: WitFunction, path: readonly string[], backend: Backend): string {
  const form = fn.result?.kind !== 'result' ? 'none' : fn.result.err?.kind === 'string' ? 'string' : 'value';
  const names = JSON.stringify([...path, camel(fn.function)]);
  const found = `find(${names}, ${JSON.stringify(formatFunction(fn))})`;
  return `typed(${backend === 'starlingmonkey' ? withSignedArguments(fn, found) : found}, '${form}')`;
}

function withSignedArguments(fn: WitFunction, work: string): string {
  const params = fn.params.map((_, at) => `a${at}`);
  const args = fn.params.map((param, at) => signed(param.type, `a${at}`) ?? `a${at}`);
  if (args.join() === params.join()) return work;
  return `((work) => (${params.join(', ')}) => work(${args.join(', ')}))(${work})`;
}

/**
 * Refuses 64-bit integers for QuickJS, which shows them as numbers: beyond 2^53 they would silently lose digits.
 * @throws CloudletError `unsupported-type` naming the function and the other backend.
 */
export function refuse64Bit(functions: readonly WitFunction[]): void {
  for (const fn of functions) {
    const types = [...fn.params.map((param) => param.type), ...(fn.result === null ? [] : [fn.result])];
    if (!types.some(has64Bit)) continue;
    throw new CloudletError(
      'unsupported-type',
      `${formatFunction(fn)}: QuickJS cannot carry 64-bit integers exactly; set "backend": "starlingmonkey" in cloudlet.json, or use s32, u32 or f64`,
    );
  }
}

function has64Bit(type: WitType): boolean {
  switch (type.kind) {
    case 's64':
    case 'u64':
      return true;
    case 'list':
      return has64Bit(type.element);
    case 'tuple':
      return type.elements.some(has64Bit);
    case 'record':
      return type.fields.some((field) => has64Bit(field.type));
    case 'variant':
      return type.cases.some((c) => c.type !== null && has64Bit(c.type));
    case 'option':
      return has64Bit(type.some);
    case 'result':
      return [type.ok, type.err].some((part) => part !== null && has64Bit(part));
    default:
      return false;
  }
}
