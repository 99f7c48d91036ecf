import { createHash } from 'node:crypto';
import type { Artifact, CoreModule, ModuleTraits } from './artifact.ts';
import { ByteWriter } from './binary/byte-writer.ts';
import { changeModules } from './binary/nested-modules.ts';
import { readModuleShape, SECTION } from './rewrite/module-shape.ts';
import { rewriteModule } from './rewrite/rewrite-module.ts';
import { withoutSourceMap } from './source-map.ts';

const PREAMBLE_BYTES = 8;

/** Sections of a core module that say with which memory it starts; nothing of its translation but these depends on them. */
const MEMORY: ReadonlySet<number> = new Set([SECTION.memory, SECTION.data, SECTION.dataCount]);

/** What a component is without the memory that its modules start with: functions on one engine, in one world, have it in common. */
export interface Skeleton {
  /** SHA-256 of all else, hex. */
  readonly key: string;
  /** The core modules in the order of the file. */
  readonly modules: readonly Uint8Array[];
  /** SHA-256 of what each of them starts with, hex. */
  readonly memories: readonly string[];
}

/** Takes a component apart. Throws `component-refused` for bytes that are none. */
export function skeletonOf(component: Uint8Array): Skeleton {
  const modules: Uint8Array[] = [];
  const memories: string[] = [];
  const bare = changeModules(withoutSourceMap(component), (module) => {
    modules.push(module);
    const { rest, memory } = split(module);
    memories.push(sha256(memory));
    return rest;
  });
  return { key: sha256(bare), modules, memories };
}

/**
 * The artifact of a component whose skeleton another one has, made of that one's without translating anything: only modules that start
 * with another memory are rewritten. Null when they do not come out as the same but for that; `memories` are those of the other.
 */
export function artifactAlike(
  base: Artifact,
  memories: readonly string[],
  skeleton: Skeleton,
  component: Artifact['manifest']['component'],
): Artifact | null {
  const all = base.manifest.modules.reduce((sum, { instances }) => sum + instances, 0);
  const made: CoreModule[] = [];
  const traits: ModuleTraits[] = [];
  for (const [at, module] of base.modules.entries()) {
    const known = base.manifest.modules[at];
    const own = skeleton.modules[at];
    if (known === undefined) return null;
    // Behind the modules of the file stand those that its translation adds.
    if (own === undefined || memories[at] === skeleton.memories[at]) {
      made.push(module);
      traits.push(known);
      continue;
    }
    const rewritten = rewriteModule(module.name, own, { instances: known.instances, all });
    if (!sameBytes(split(rewritten.bytes).rest, split(module.bytes).rest)) return null;
    made.push({ name: module.name, bytes: rewritten.bytes });
    traits.push(rewritten.traits);
  }
  return { ...base, manifest: { ...base.manifest, component, modules: traits }, modules: made };
}

function split(module: Uint8Array): { readonly rest: Uint8Array; readonly memory: Uint8Array } {
  const rest = new ByteWriter().bytes(module.subarray(0, PREAMBLE_BYTES));
  const memory = new ByteWriter();
  for (const { id, content } of readModuleShape(module).sections)
    (MEMORY.has(id) ? memory : rest).section(id, new ByteWriter().bytes(content));
  return { rest: rest.finish(), memory: memory.finish() };
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function sameBytes(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0;
}
