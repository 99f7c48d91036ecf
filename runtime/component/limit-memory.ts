import type { Artifact } from './artifact.ts';
import { refused } from './binary/byte-reader.ts';
import { ByteWriter } from './binary/byte-writer.ts';
import { type Limits, limitMemories } from './rewrite/limits.ts';
import { type ModuleShape, readModuleShape, SECTION } from './rewrite/module-shape.ts';

const PAGES_PER_MIB = 16;

/**
 * The same artifact with memories that together cannot grow beyond a grant, those of all instances of its core modules. What all of them
 * need at the start is taken off first; what is left is divided among those that can grow, which in most components is one. Cheap: the code is not looked at, so it is done when an artifact is loaded and not kept.
 * Throws `component-refused` when the memories start larger than the grant.
 */
export function limitMemory(artifact: Artifact, memoryMib: number): Artifact {
  const pages = memoryMib * PAGES_PER_MIB;
  const traits = artifact.manifest.modules;
  const needed = traits.reduce((sum, module) => sum + module.instances * module.memoryPages, 0);
  if (needed > pages) {
    throw refused(
      `the component starts with ${Math.ceil(needed / PAGES_PER_MIB)} MiB of memory, and its grant allows ${memoryMib} MiB; raise "memoryMib"`,
    );
  }
  const shapes = artifact.modules.map(({ bytes }) => readModuleShape(bytes));
  const growing = shapes.reduce(
    (sum, { memories }, at) => sum + traits[at]!.instances * memories.filter(canGrow).length,
    0,
  );
  const spare = Math.floor((pages - needed) / Math.max(growing, 1));
  const modules = artifact.modules.map(({ name, bytes }, at) => ({
    name,
    bytes: limitModule(bytes, shapes[at]!, spare),
  }));
  return { ...artifact, modules };
}

function canGrow({ minimum, maximum }: Limits): boolean {
  return maximum === null || maximum > minimum;
}

function limitModule(module: Uint8Array, { sections, memories }: ModuleShape, sparePages: number): Uint8Array {
  if (memories.length === 0) return module;
  const out = new ByteWriter().bytes(module.subarray(0, 8));
  for (const { id, content } of sections) {
    const limited = id === SECTION.memory ? limitMemories(memories, ({ minimum }) => minimum + sparePages) : content;
    out.section(id, new ByteWriter().bytes(limited));
  }
  return out.finish();
}
