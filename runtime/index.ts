export type { ValueFormat } from '../guest-sdk/protocol/index.ts';
export type { CloudletEvent } from './change-feed.ts';
export {
  type CallOptions,
  Cloudlet,
  type StoredComponent,
} from './cloudlet.ts';
export { type ComponentInfo, inspectComponent } from './component/inspect.ts';
export { inspectTypes, type NamedTypes } from './component/inspect-types.ts';
export { ensureImageApart, type ListedImage, listImages, missingForImage } from './image/index.ts';
export type {
  CallResult,
  HeaderPair,
  Invocation,
  InvocationEnd,
  InvocationRequest,
  InvocationTiming,
  InvokeOptions,
} from './invocation/invocation.ts';
export {
  type Accelerator,
  chooseAccelerator,
  describeAccelerator,
  describeHardening,
  INSTALL_QEMU,
  qemuVersion,
} from './machine/index.ts';
export type { CloudletObserver } from './observer.ts';
export {
  type AcceleratorChoice,
  type CloudletLimits,
  type CloudletOptions,
  DEFAULT_LIMITS,
  type Isolation,
} from './options.ts';
export type { PublishOptions, PublishProgress } from './provision/index.ts';
export { RUNGS, type Rung, type SandboxKind } from './sandbox/index.ts';
