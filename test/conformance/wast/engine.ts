import { parse } from '@bytecodealliance/jco';
import { ByteReader } from '../../../runtime/component/binary/byte-reader.ts';
import { readPreamble } from '../../../runtime/component/binary/preamble.ts';
import { readComponent } from '../../../runtime/component/inspect/component-reader.ts';
import type { ComponentType } from '../../../runtime/component/inspect/type-space.ts';
import { instantiateMetered } from '../../../runtime/component/rewrite/metered-instance.ts';
import { rewriteModule } from '../../../runtime/component/rewrite/rewrite-module.ts';
import { generateGlue } from '../../../runtime/component/transpile/generator.ts';
import { renameWorldFunctions } from '../../../runtime/component/transpile/rename-world-functions.ts';
import { AsyncInstance } from './async-instance.ts';
import { type Instance, poisonable } from './instance.ts';
import type { Written } from './script.ts';

/** Something that a script defined and can instantiate. */
export interface Definition {
  instantiate(registered: ReadonlyMap<string, Instance>): Promise<Instance>;
}

/** Rations of fuel that one instance gets; a script that loops for ever ends by a trap. */
const RATIONS = 500;

type Glue = {
  instantiate(
    getCoreModule: (name: string) => WebAssembly.Module,
    imports: Record<string, unknown>,
    instantiateCore: (module: WebAssembly.Module, imports?: WebAssembly.Imports) => unknown,
  ): Promise<Record<string, unknown>>;
};

/**
 * Takes what a script wrote through the engine, as a publish does: text to binary, checks, glue, rewritten modules. Throws
 * what refuses it.
 */
export async function define({ sort, source }: Written): Promise<Definition> {
  const bytes = source.kind === 'bytes' ? source.bytes : new Uint8Array(await parse(source.text));
  return sort === 'module' ? defineModule(bytes) : await defineComponent(bytes);
}

function defineModule(bytes: Uint8Array): Definition {
  const module = new WebAssembly.Module(rewriteModule('component.core.wasm', bytes).bytes as Uint8Array<ArrayBuffer>);
  return {
    async instantiate(registered) {
      const imports: WebAssembly.Imports = {};
      for (const { module: from, name } of WebAssembly.Module.imports(module)) {
        const found = registered.get(from)?.find(name);
        if (found === undefined) throw new WebAssembly.LinkError(`nothing registered gives ${from} ${name}`);
        imports[from] = { ...imports[from], [name]: found };
      }
      const instance = await instantiateMetered(module, imports, fuel());
      return poisonable((name) => instance.exports[name]);
    },
  };
}

async function defineComponent(bytes: Uint8Array): Promise<Definition> {
  const reader = new ByteReader(bytes);
  if (readPreamble(reader) !== 'component') throw new Error('expected a component, got a core module');
  const type = readComponent(reader);
  const { bytes: renamed, names } = renameWorldFunctions(bytes);
  const kind = type.asynchronous ? 'async' : 'plain';
  const exports = type.asynchronous ? waitingExports(type, names) : [];
  const { glue, modules } = await generateGlue(renamed, kind, { imports: [], exports });
  const compiled = new Map<string, WebAssembly.Module>();
  for (const { name, bytes: module } of modules)
    compiled.set(name, new WebAssembly.Module(rewriteModule(name, module).bytes as Uint8Array<ArrayBuffer>));
  const evaluated = (await import(`data:text/javascript;base64,${Buffer.from(glue).toString('base64')}`)) as Glue;
  return {
    async instantiate(registered) {
      const imports = importsOf(type, registered);
      const checkpoint = fuel();
      const make = (given: Record<string, unknown>) =>
        evaluated.instantiate(
          (name) => compiled.get(name)!,
          given,
          (module, core) => instantiateMetered(module, core, checkpoint),
        );
      const found = (all: Record<string, unknown>) => (name: string) => all[names.get(name) ?? name];
      if (kind === 'plain') return poisonable(found(await make(imports)));
      return await AsyncInstance.make(imports, async (given) => found(await make(given)));
    },
  };
}

/** What a component imports, of what a script registered. */
function importsOf(type: ComponentType, registered: ReadonlyMap<string, Instance>): Record<string, unknown> {
  const imports: Record<string, unknown> = {};
  for (const [name, { sort }] of type.imports) {
    // A type has a name by being imported; there is nothing to give.
    if (sort === 'type') continue;
    const instance = registered.get(name);
    if (instance === undefined) throw new WebAssembly.LinkError(`nothing is registered as ${JSON.stringify(name)}`);
    if (sort !== 'instance')
      throw new WebAssembly.LinkError(`an import of a ${sort} cannot be given to ${JSON.stringify(name)}`);
    imports[name] = members(instance);
  }
  return imports;
}

/** Functions that may wait although their types do not say so, as `transpile` names them to the generator. */
function waitingExports(type: ComponentType, names: ReadonlyMap<string, string>): string[] {
  return [...type.exports].flatMap(([name, extern]) => {
    if (extern.sort === 'func') return extern.type.async ? [] : [names.get(name) ?? name];
    if (extern.sort !== 'instance') return [];
    const functions = [...extern.type.exports].filter(([, each]) => each.sort === 'func' && !each.type.async);
    return functions.map(([each]) => `${name}#${each}`);
  });
}

/** Exports of an instance by the names that the glue of another asks for. */
function members(instance: Instance): object {
  return new Proxy({}, { get: (_, name) => (typeof name === 'string' ? instance.find(kebab(name)) : undefined) });
}

function kebab(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function fuel(): () => bigint {
  let rations = RATIONS;
  return () => {
    rations -= 1;
    return rations > 0 ? 2_000_000n : 0n;
  };
}
