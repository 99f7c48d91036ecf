export type { ValueFormat } from '../guest-sdk/protocol/index.ts';
export type { CataloguePolicy, EntryWish, PublisherPolicy } from './catalogue/index.ts';
export type { CloudletEvent } from './change-feed.ts';
export { Cloudlet } from './cloudlet.ts';
export type { StoredComponent } from './cloudlet-parts.ts';
export { VERSION } from './cloudlet-status.ts';
export { withoutCustomSection } from './component/binary/custom-section.ts';
export { changeModules } from './component/binary/nested-modules.ts';
export { engineImports } from './component/engine-imports.ts';
export { type ComponentInfo, inspectComponent } from './component/inspect.ts';
export {
  type ImportedInterface,
  type ImportedResource,
  inspectTypes,
  type NamedTypes,
  type ResourceHandle,
} from './component/inspect-types.ts';
export { withMemoryImage } from './component/rewrite/memory-image.ts';
export { rewriteModule } from './component/rewrite/rewrite-module.ts';
export { readStackMap, type StackMap, stackMapOf, withoutSourceMap, withSourceMap } from './component/source-map.ts';
export { generateGlue } from './component/transpile/generator.ts';
export {
  parseReference,
  parseRegistryDigest,
  parseRepository,
  parseWantedDigest,
  parseWantedReference,
  type RegistryCode,
  RegistryRefusal,
} from './distribution/index.ts';
export type { LogReadOptions } from './function/function-log.ts';
export { effectiveGrant, type HostPolicy, hostPolicy, PolicyFile, parsePolicy } from './grant/index.ts';
export { ensureImageApart, type ListedImage, listImages, missingForImage } from './image/index.ts';
export type {
  CallOptions,
  CallResult,
  HeaderPair,
  Invocation,
  InvocationEnd,
  InvocationIdentity,
  InvocationRequest,
  InvocationTiming,
  InvokeOptions,
} from './invocation/invocation.ts';
export { type InvocationTrace, parseTraceParent, type TraceParent, type TraceSampler } from './invocation/trace.ts';
export {
  type Accelerator,
  chooseAccelerator,
  describeAccelerator,
  describeHardening,
  INSTALL_QEMU,
  qemuVersion,
  takeShortTurns,
} from './machine/index.ts';
export type { CloudletObserver, InvocationPlace, InvokedEvent } from './observer.ts';
export {
  type AcceleratorChoice,
  type CloudletLimits,
  type CloudletOptions,
  DEFAULT_LIMITS,
  type Isolation,
} from './options.ts';
export {
  ByteFeed,
  type CreateOverlayOptions,
  createOverlay,
  filesInPackage,
  importsBeyondGrant,
  importsWithoutGrant,
  type MadeOverlay,
  type OverlayFile,
  openOverlayFile,
  overlayOf,
  type PublishOptions,
  type PublishProgress,
  type RungProgress,
  readTar,
  signOverlayFile,
  type UngrantedImport,
} from './provision/index.ts';
export {
  CLOSE_CAUSES,
  type CloseCause,
  InFlight,
  type LeaveSignal,
  RUNGS,
  type Rung,
  type SandboxKind,
} from './sandbox/index.ts';
export {
  type HeaderField,
  HOP_BY_HOP,
  joinStreams,
  type OutboundOutcome,
  SERVICE_STARTS,
  type ServiceObserver,
  type ServiceReply,
  type ServiceRequest,
  type ServiceStart,
  Services,
  type ServiceWorld,
  VM_END_CAUSES,
  type VmEndCause,
} from './service/index.ts';
export type { ByteSpan, StoredFile } from './store/index.ts';
export { Recorder, type RecorderOptions } from './use/recorder.ts';
export { type BaseStage, ensureBaseVmApart, missingForBaseVm } from './vm/base/index.ts';
export {
  exportImage,
  importImageFile,
  type ListedVmImage,
  openVmImages,
  type VmImage,
  type VmImageStore,
} from './vm/image/index.ts';
