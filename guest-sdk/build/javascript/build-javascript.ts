import { join } from 'node:path';
import { withSourceMap } from '../../../runtime/index.ts';
import type { WitFunction } from '../../protocol/index.ts';
import { type BuildContext, begin } from '../progress.ts';
import type { Project } from '../project.ts';
import { BUILD_WORLD } from '../world.ts';
import { bundle } from './bundle.ts';
import { evaluateInShell, shellOf } from './engine/evaluate-in-shell.ts';
import { keptShell } from './engine/shell.ts';
import { shellKey } from './engine/shell-key.ts';
import { httpEntry, refuse64Bit, typedEntry } from './entry.ts';
import { assembleWorld, fetches } from './javascript-world.ts';
import { componentizeQuickJs } from './quickjs.ts';
import { refuseBareS64 } from './signed.ts';
import { componentizeStarlingMonkey } from './starlingmonkey.ts';

/** Builds a TypeScript or JavaScript project with its engine; the component carries its source map, unless it is to be stripped. */
export async function buildJavaScript(project: Project, context: BuildContext): Promise<Uint8Array> {
  const wit = join(context.scratch, 'wit');
  const hasFetch = await fetches(project, context);
  const key = await shellKey(project, hasFetch);
  const kept = key === null ? null : await keptShell(context.cache, key);
  const functions = kept === null ? await assembleWorld(project, wit, hasFetch) : kept.functions;
  begin(context, 'bundle', 'bundle the sources');
  const { code, map, warnings } = await bundle(project, entryOf(project, functions, hasFetch), context.onSource);
  for (const text of warnings) context.onProgress({ kind: 'warning', text });
  const component = await compile();
  return context.strip ? component : withSourceMap(component, map);

  async function compile(): Promise<Uint8Array> {
    if (project.backend === 'starlingmonkey') {
      begin(context, 'componentize', 'compile with StarlingMonkey, which takes a while');
      return componentizeStarlingMonkey({ code, wit, world: BUILD_WORLD, hasFetch });
    }
    if (key !== null) {
      if (kept === null) begin(context, 'engine', 'prepare QuickJS for this world, once');
      const shell = kept ?? (await shellOf(key, functions, wit, context));
      begin(context, 'componentize', 'compile with QuickJS');
      const made = await evaluateInShell(shell, { code, map }, context);
      if (made !== null) return made;
      if (kept !== null) await assembleWorld(project, wit, hasFetch);
    }
    begin(context, 'componentize', 'compile with QuickJS');
    return componentizeQuickJs({ code, wit, world: BUILD_WORLD });
  }
}

function entryOf(project: Project, functions: readonly WitFunction[], hasFetch: boolean): string {
  const [source = ''] = project.entries;
  const { backend } = project;
  if (project.kind === 'http') return httpEntry(source, backend, hasFetch);
  if (backend === 'quickjs') refuse64Bit(functions);
  else refuseBareS64(functions);
  return typedEntry(source, backend, functions, hasFetch);
}
