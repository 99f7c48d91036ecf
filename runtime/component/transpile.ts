import { Script } from 'node:vm';
import type { Digest } from '../../guest-sdk/protocol/index.ts';
import { SUSPENDING_IMPORTS, SUSPENDING_IMPORTS_3 } from '../wasi/index.ts';
import type { Artifact, ArtifactFunction, ArtifactManifest, ExportPath } from './artifact.ts';
import { refused } from './binary/byte-reader.ts';
import { commandArtifact } from './command/command-artifact.ts';
import { doorOfInterface } from './inspect/exported-functions.ts';
import { type ComponentInfo, inspectComponent } from './inspect.ts';
import { checkTables } from './rewrite/check-tables.ts';
import { type RewriteOptions, rewriteModule } from './rewrite/rewrite-module.ts';
import { TOOLS } from './tools.ts';
import { adaptCoreModule } from './transpile/adapt-core-module.ts';
import { coreInstances } from './transpile/core-instances.ts';
import { exportPath } from './transpile/export-path.ts';
import { generateGlue } from './transpile/generator.ts';
import { hideCode } from './transpile/hidden-code.ts';
import { renameWorldFunctions } from './transpile/rename-world-functions.ts';

/**
 * Turns a component, or a WASI 0.1 core module, into an artifact. Executes nothing of it, but gives it to large tools that
 * were not written for hostile input: outside of tests this runs in the confined child only.
 */
export async function transpile(bytes: Uint8Array, digest: Digest, options: RewriteOptions = {}): Promise<Artifact> {
  const command = commandArtifact(bytes, digest, options);
  if (command !== null) return command;
  const { component, info } = await asComponent(bytes);
  const { bytes: renamed, names } = renameWorldFunctions(component);
  const functions: ArtifactFunction[] = info.functions.map((wit) => ({
    wit,
    path: wit.interface === null ? [names.get(wit.function)!] : exportPath(wit.interface, wit.function),
  }));
  const run = doorPath(info, 'run', 'run');
  const http = doorPath(info, 'http', 'handle');
  const { component: plain, original } = hideCode(renamed);
  const { glue, modules } = await generateGlue(plain, info.asynchronous ? 'async' : 'plain', {
    imports: [...SUSPENDING_IMPORTS, ...(info.asynchronous ? SUSPENDING_IMPORTS_3 : [])],
    exports: [
      // Asynchronous functions are so by their type. The generator makes no asynchronous constructors and static functions: these cannot wait.
      ...info.functions
        .filter((wit) => !wit.async && !/^\[(?:constructor|static)\]/.test(wit.function))
        .map((wit) => (wit.interface === null ? names.get(wit.function)! : `${wit.interface}#${wit.function}`)),
      ...[run, http].flatMap((path) => (path === null || path[0]!.endsWith('@0.3.0') ? [] : [path.join('#')])),
    ],
  });
  checkGlue(glue);
  const instances = coreInstances(glue);
  const all = [...instances.values()].reduce((sum, count) => sum + count, 0);
  const rewritten = modules.map(({ name, bytes: module }) =>
    rewriteModule(name, original(module), { instances: instances.get(name) ?? 1, all }, options),
  );
  checkTables(rewritten.map(({ traits }) => traits));
  const manifest: ArtifactManifest = {
    format: 1,
    component: digest,
    tools: TOOLS,
    doors: info.doors,
    asynchronous: info.asynchronous,
    imports: info.imports,
    functions,
    run,
    http,
    modules: rewritten.map(({ traits }) => traits),
  };
  return {
    manifest,
    glue,
    modules: rewritten.map(({ traits, bytes: module }) => ({ name: traits.name, bytes: module })),
  };
}

async function asComponent(bytes: Uint8Array): Promise<{ component: Uint8Array; info: ComponentInfo }> {
  const info = inspectComponent(bytes);
  if (info.kind === 'component') return { component: bytes, info };
  const component = await adaptCoreModule(bytes, info.doors.includes('run') ? 'command' : 'reactor');
  return { component, info: inspectComponent(component) };
}

/** The path of the only function of the interface behind a door; the newest version when several are exported. */
function doorPath(info: ComponentInfo, door: 'run' | 'http', name: string): ExportPath | null {
  const interfaces = info.exports.filter((each) => doorOfInterface(each) === door);
  // All are of version 0: `3.0` is newer than `2.12`.
  const [minor, patch] = [1, 2].map((at) => (each: string) => Number(each.split('@')[1]?.split('.')[at])) as [
    (each: string) => number,
    (each: string) => number,
  ];
  interfaces.sort((a, b) => minor(b) - minor(a) || patch(b) - patch(a));
  return interfaces[0] === undefined ? null : [interfaces[0], name];
}

/** Parses the glue without running it: names that meet badly in one scope make a program that is none. */
function checkGlue(glue: string): void {
  // Things that only a module may have, and only once each: the exports, and the address of the glue.
  const script = glue
    .replace(/^export (?=(?:async )?function instantiate\b)/m, '')
    .replace(/^export (?=const _util = \{$)/m, '')
    .replace(/`[^`]*`, import\.meta\.url/, 'name');
  try {
    new Script(script, { filename: 'glue.js' });
  } catch (error) {
    throw refused(
      `the component could not be linked: its names do not fit together (${(error as Error).message})`,
      error,
    );
  }
}
