import { basename, dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BuildFailure, type BuildOptions, build, formatMessages, type Message, type Plugin } from 'esbuild';
import { CloudletError } from '../../protocol/index.ts';
import type { Project } from '../project.ts';

/** Folder of the guest library. */
export const GUEST_FOLDER = fileURLToPath(new URL('../../guest/', import.meta.url));

/** Folder whose `node_modules` has this package's own dependencies. */
export const PACKAGE_FOLDER = fileURLToPath(new URL('../../../', import.meta.url));

/** A function and its dependencies in one ES module; the imports that are left are WIT interfaces. */
export interface Bundle {
  readonly code: string;
  /** Source map of the code, as JSON; its sources are relative to the project's folder, or begin with `cloudlet:` when they are of the guest library. */
  readonly map: string;
  readonly warnings: readonly string[];
}

/**
 * Bundles `entry`, the text of a module that joins the author's module to the guest library.
 *
 * `onSource` is told each file that is read outside of the project's folder, also when another cannot be bundled.
 * For QuickJS async functions become generators over the library's promises, because nothing runs the engine's own job queue.
 * @throws CloudletError `build-failed` with esbuild's words.
 */
export async function bundle(
  project: Project,
  entry: string,
  onSource: (path: string) => void = () => {},
): Promise<Bundle> {
  const [source = project.folder] = project.entries;
  try {
    const result = await build({
      stdin: { contents: entry, resolveDir: dirname(source), sourcefile: 'cloudlet-entry.js', loader: 'js' },
      ...bundling(project),
      plugins: [OFFERED, tellSources(project.folder, onSource)],
      sourcemap: 'external',
      sourcesContent: false,
    });
    const [code, map] = [/\.js$/, /\.js\.map$/].map((ending) =>
      result.outputFiles.find(({ path }) => ending.test(path)),
    );
    return {
      code: code?.text ?? '',
      map: plainMap(map?.text ?? '{}', project.folder),
      warnings: await format(result.warnings, 'warning'),
    };
  } catch (error) {
    if (!isBuildFailure(error)) throw error;
    const words = await format(error.errors, 'error');
    throw new CloudletError('build-failed', `The sources cannot be bundled:\n${words.join('\n')}`, { cause: error });
  }
}

/** How the sources of a project are joined, whatever is done with the result. */
function bundling(project: Project) {
  const lowered = { 'async-await': false, 'async-generator': false, 'for-await': false };
  return {
    absWorkingDir: project.folder,
    alias: { 'cloudlet/guest': join(GUEST_FOLDER, 'index.ts') },
    bundle: true,
    external: ['wasi:*', 'node:*'],
    format: 'esm',
    target: 'es2023',
    supported: project.backend === 'quickjs' ? lowered : {},
    platform: 'neutral',
    mainFields: ['module', 'main'],
    conditions: ['worker', 'browser', 'import'],
    logLevel: 'silent',
    write: false,
    outdir: project.folder,
    // A project's own settings must not change how its code is compiled.
    tsconfigRaw: {},
  } as const satisfies BuildOptions;
}

/** Stands for `fetch` where it is looked for; no program has such a name of its own. */
const MARK = '__cloudlet_fetch_is_used';

/**
 * The modules of a project, packages among them, whose code calls the global `fetch`; code that nothing leads to counts for nothing, and neither does
 * asking for its type. Null when the sources cannot be bundled.
 */
export async function modulesThatFetch(project: Project): Promise<readonly string[] | null> {
  const names = ['fetch', ...['globalThis', 'self', 'window', 'global'].map((owner) => `${owner}.fetch`)];
  try {
    const { outputFiles } = await build({
      entryPoints: [...project.entries],
      ...bundling(project),
      plugins: [OFFERED],
      define: Object.fromEntries(names.map((name) => [name, MARK])),
    });
    const found = new Set<string>();
    let module = '';
    for (const line of outputFiles[0]?.text.split('\n') ?? []) {
      // Each module begins with its path.
      if (line.startsWith('// ')) module = line.slice(3);
      if (line.replaceAll(`typeof ${MARK}`, '').includes(MARK)) found.add(module);
    }
    return [...found];
  } catch (error) {
    if (isBuildFailure(error)) return null;
    throw error;
  }
}

/** A map without places of this machine: two checkouts build the same. */
function plainMap(text: string, folder: string): string {
  const {
    mappings = '',
    names = [],
    sources = [],
  } = JSON.parse(text) as {
    readonly mappings?: string;
    readonly names?: readonly string[];
    readonly sources?: readonly string[];
  };
  const shown = sources.map((source) => {
    const path = resolve(folder, source);
    const [own, library, offered] = [folder, GUEST_FOLDER, PACKAGE_FOLDER].map((top) => relative(top, path));
    if (!own!.startsWith('..')) return own!;
    if (!library!.startsWith('..')) return `cloudlet:${library}`;
    return offered!.startsWith('..') ? basename(path) : offered!;
  });
  return JSON.stringify({ version: 3, sources: shown, names, mappings });
}

/** Packages that a project need not install: it gets its own when it has one, else that of this package. */
const OFFERED: Plugin = {
  name: 'cloudlet-offered-packages',
  setup(esbuild) {
    const again = Symbol('resolved by esbuild itself');
    esbuild.onResolve({ filter: /^hono(\/|$)/ }, async ({ path, resolveDir, kind, pluginData }) => {
      if (pluginData === again) return undefined;
      const own = await esbuild.resolve(path, { resolveDir, kind, pluginData: again });
      if (own.errors.length === 0) return own;
      return await esbuild.resolve(path, { resolveDir: PACKAGE_FOLDER, kind, pluginData: again });
    });
  },
};

/** Tells what is read outside of a project's folder, but for packages and the guest library, which nobody edits. */
function tellSources(folder: string, onSource: (path: string) => void): Plugin {
  return {
    name: 'cloudlet-sources',
    setup(esbuild) {
      esbuild.onLoad({ filter: /(?:)/, namespace: 'file' }, ({ path }) => {
        const isInside = [folder, GUEST_FOLDER].some((top) => !relative(top, path).startsWith('..'));
        if (!isInside && !/[\\/]node_modules[\\/]/.test(path)) onSource(path);
        return undefined;
      });
    },
  };
}

async function format(messages: readonly Message[], kind: 'error' | 'warning'): Promise<string[]> {
  return (await formatMessages([...messages], { kind, color: false })).map((text) => text.trim());
}

function isBuildFailure(error: unknown): error is BuildFailure {
  return error instanceof Error && 'errors' in error && Array.isArray(error.errors);
}
