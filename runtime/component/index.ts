/** What may run: inspects components, turns them into artifacts in a confined child, and keeps these on disk. */
export type { Artifact, ArtifactFunction, ArtifactManifest, CoreModule, ExportPath, ModuleTraits } from './artifact.ts';
export { ArtifactCache } from './artifact-cache.ts';
export { type ComponentBytes, ComponentCompiler, type ComponentCompilerOptions } from './component-compiler.ts';
export type { ConfinementLimits, NetworkIsolation } from './confined/confinement.ts';
export { engineImports } from './engine-imports.ts';
export { type ComponentInfo, inspectComponent } from './inspect.ts';
export {
  type ImportedInterface,
  type ImportedResource,
  inspectTypes,
  type NamedTypes,
  type ResourceHandle,
} from './inspect-types.ts';
export { limitMemory } from './limit-memory.ts';
export { hasPosition, readStackMap, type StackMap } from './source-map.ts';
export { TOOLS } from './tools.ts';
