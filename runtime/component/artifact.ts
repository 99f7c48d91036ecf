import type { Digest, Door, WitFunction } from '../../guest-sdk/protocol/index.ts';

/** A component made ready to instantiate: jco's glue and the rewritten core modules. Immutable; named by component digest and tool versions. */
export interface Artifact {
  readonly manifest: ArtifactManifest;
  /** ES module source that exports `instantiate(getCoreModule, imports, instantiateCore)`; `instantiateCore` may give a promise. */
  readonly glue: string;
  /** Core modules by the file name the glue asks for. */
  readonly modules: readonly CoreModule[];
}

export interface CoreModule {
  readonly name: string;
  readonly bytes: Uint8Array;
}

export interface ArtifactManifest {
  /** Format of this record; another number is another format and is rebuilt. */
  readonly format: 1;
  readonly component: Digest;
  /** Names and versions of the tools that made it; part of the cache key. */
  readonly tools: string;
  readonly doors: readonly Door[];
  /** Its instances serve many invocations, some of them at once, as those of WASI 0.3 do. */
  readonly asynchronous: boolean;
  /** Interfaces that the component imports, with versions. */
  readonly imports: readonly string[];
  readonly functions: readonly ArtifactFunction[];
  /** Where the glue puts `run` of `wasi:cli/run` and `handle` of `wasi:http/incoming-handler` or `wasi:http/handler` in the instantiated exports. */
  readonly run: ExportPath | null;
  readonly http: ExportPath | null;
  /** What the rewriter found in each core module, in the order of `Artifact.modules`. */
  readonly modules: readonly ModuleTraits[];
}

/** A callable function and where it lives in what `instantiate` returns. */
export interface ArtifactFunction {
  readonly wit: WitFunction;
  readonly path: ExportPath;
}

/** Keys to follow from the instantiated exports to a function: `['greet']` or `['example:api/math@1.0.0', 'addAll']`. */
export type ExportPath = readonly string[];

/** What a core module does that matters for limiting it and for using an instance of it again. */
export interface ModuleTraits {
  readonly name: string;
  /** False only for a module that cannot run for long by itself: no loops, no tail calls, at most one call in a function. */
  readonly metered: boolean;
  /** Its start function was taken out and is exported under a reserved name. */
  readonly startExported: boolean;
  /** How often the component instantiates it. */
  readonly instances: number;
  /** Elements that its own tables start with, in one instance. */
  readonly tableElements: number;
  /** Smallest size of its own linear memories together, in pages of 64 KiB, in one instance. */
  readonly memoryPages: number;
  /** It has instructions that change tables after initialisation, so that restoring memories and globals does not restore it. */
  readonly mutatesTables: boolean;
  /** It drops data or element segments, which cannot be undone. */
  readonly dropsSegments: boolean;
  readonly growsMemory: boolean;
  /** All that a call can change in it is exported under reserved names, so that an instance can be made as it was. */
  readonly resettable: boolean;
}
