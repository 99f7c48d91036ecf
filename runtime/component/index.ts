/** What may run: inspects components, turns them into artifacts in a confined child, and keeps these on disk. */
export type { Artifact, ArtifactFunction, ArtifactManifest, CoreModule, ExportPath, ModuleTraits } from './artifact.ts';
export { type ComponentInfo, inspectComponent } from './inspect.ts';
