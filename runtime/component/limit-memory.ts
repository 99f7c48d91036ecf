import type { Artifact } from './artifact.ts';
import { refused } from './binary/byte-reader.ts';
import { ByteWriter } from './binary/byte-writer.ts';
import { limitMemories } from './rewrite/limits.ts';
import { readModuleShape, SECTION } from './rewrite/module-shape.ts';

const PAGES_PER_MIB = 16;

/**
 * The same artifact with memories that cannot grow beyond a grant. What all of them need at the start is taken off first; what
 * is left, each may use. Cheap: the code is not looked at, so it is done when an artifact is loaded and not kept.
 * Throws `component-refused` when the memories start larger than the grant.
 */
export function limitMemory(artifact: Artifact, memoryMib: number): Artifact {
  const pages = memoryMib * PAGES_PER_MIB;
  const needed = artifact.manifest.modules.reduce((sum, module) => sum + module.memoryPages, 0);
  if (needed > pages) {
    throw refused(
      `the component starts with ${Math.ceil(needed / PAGES_PER_MIB)} MiB of memory, and its grant allows ${memoryMib} MiB; raise "memoryMib"`,
    );
  }
  const spare = pages - needed;
  const modules = artifact.modules.map(({ name, bytes }) => ({ name, bytes: limitModule(bytes, spare) }));
  return { ...artifact, modules };
}

function limitModule(module: Uint8Array, sparePages: number): Uint8Array {
  const { sections, memories } = readModuleShape(module);
  if (memories.length === 0) return module;
  const out = new ByteWriter().bytes(module.subarray(0, 8));
  for (const { id, content } of sections) {
    const limited = id === SECTION.memory ? limitMemories(memories, ({ minimum }) => minimum + sparePages) : content;
    out.section(id, new ByteWriter().bytes(limited));
  }
  return out.finish();
}
