import { registerHooks } from 'node:module';
import { RESETTABLE_SECTION } from '../component/rewrite/metered-instance.ts';
import type { GrantedFiles } from '../wasi/index.ts';
import { decodeFiles } from './files-message.ts';
import { renewableGlue } from './glue-state.ts';
import { GLUE_TABLES, TABLES_IMPORT } from './glue-tables.ts';
import { LateFiles } from './late-files.ts';
import { LatePlaces } from './late-places.ts';
import { lendWrites } from './lent-writes.ts';
import { budgetLifts } from './lift-budget.ts';
import { enterPlainly } from './plain-entry.ts';
import { PLAIN_IMPORT, type PlainFirst, plainFirst } from './plain-first.ts';
import type { LateMessage, LoadMessage } from './wire.ts';
import type { WorkerComponent } from './worker-message.ts';

/** Instantiates a core module; given to the glue, which calls it for each module of a component and waits for the promise. */
export type InstantiateCore = (
  module: WebAssembly.Module,
  imports: WebAssembly.Imports,
) => WebAssembly.Instance | Promise<WebAssembly.Instance>;

/** What the glue of a component exports: makes one instance of it. */
export type Instantiate = (
  getCoreModule: (name: string) => WebAssembly.Module,
  imports: Readonly<Record<string, unknown>>,
  instantiateCore: InstantiateCore,
) => unknown;

/** A component in a worker: its glue evaluated, its modules at hand. Holds nothing that one invocation could leave to the next. */
export interface GuestComponent {
  readonly message: LoadMessage;
  readonly files: GrantedFiles;
  /** Makes guests wait for files whose bytes come after the load; nobody waits when left out. */
  readonly late?: LateFiles;
  /**
   * A new instance, with its own memories, globals and handle tables. Among the imports, `LIFT_IMPORT` is its `LiftBudget` and
   * `STATE_IMPORT` takes what is needed to use it again.
   */
  instantiate(imports: Readonly<Record<string, unknown>>, instantiateCore: InstantiateCore): Promise<unknown>;
}

/** The name under which the glue is imported. It is what stack traces show, so it is short, unlike a data URL. */
const GLUE_URL = 'cloudlet:component';

/** Evaluates a component's glue in this worker. Once for each worker: the module cache of Node keeps the first. `want` has a piece of a late file sent before others. */
export async function loadComponent(
  component: WorkerComponent,
  want: (message: LateMessage) => void,
): Promise<GuestComponent> {
  const { glue, calls } = preparedGlue(component);
  const hooks = registerHooks({
    resolve: (specifier, context, next) =>
      specifier === GLUE_URL ? { url: GLUE_URL, format: 'module', shortCircuit: true } : next(specifier, context),
    load: (url, context, next) =>
      url === GLUE_URL ? { format: 'module', source: glue, shortCircuit: true } : next(url, context),
  });
  let instantiate: Instantiate | undefined;
  try {
    ({ instantiate } = (await import(GLUE_URL)) as { instantiate?: Instantiate });
  } finally {
    hooks.deregister();
  }
  if (typeof instantiate !== 'function') throw new Error('expected glue that exports instantiate');
  const make = instantiate;
  const modules = new Map(component.modules);
  const getCoreModule = (name: string): WebAssembly.Module => {
    const module = modules.get(name);
    if (module === undefined)
      throw new Error(`the glue asks for a core module ${JSON.stringify(name)} that was not sent`);
    return module;
  };
  return {
    message: component.message,
    files: decodeFiles(component.message.files, component.files, looksUpPaths(modules.values())),
    late: new LateFiles(component.late, new LatePlaces(component.message.files?.latePieces ?? []), want),
    instantiate: async (imports, instantiateCore) =>
      make(getCoreModule, { ...imports, [TABLES_IMPORT]: GLUE_TABLES, [PLAIN_IMPORT]: calls }, instantiateCore),
  };
}

/** The glue with everything that it needs here. */
function preparedGlue({ glue, message, modules }: WorkerComponent): {
  glue: string;
  calls: PlainFirst['calls'] | null;
} {
  const budgeted = budgetLifts(lendWrites(glue));
  if (message.reuse !== null) return { glue: budgeted, calls: null };
  const renewable = renewableGlue(budgeted);
  // Functions that call plainly are made for each instance, which takes some 50 µs: worth it for one that serves again.
  const servesAgain = renewable !== budgeted && modules.every(([, module]) => isResettable(module));
  if (!servesAgain) return { glue: renewable, calls: null };
  const first = plainFirst(renewable);
  return { glue: enterPlainly(first.glue), calls: first.calls };
}

/** Whether the rewriter says that its instances can be put back. */
export function isResettable(module: WebAssembly.Module): boolean {
  return WebAssembly.Module.customSections(module, RESETTABLE_SECTION).length > 0;
}

/** Whether a guest can ask for a path at all: by WASI 0.1, or by a method of a directory. */
function looksUpPaths(modules: Iterable<WebAssembly.Module>): boolean {
  const asks = /^path_|descriptor\.[a-z-]+-at$/;
  return [...modules].some((module) => WebAssembly.Module.imports(module).some(({ name }) => asks.test(name)));
}
