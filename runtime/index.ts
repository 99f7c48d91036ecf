export {
  type CallOptions,
  Cloudlet,
  type CloudletEvent,
  type InvokeOptions,
  type PublishOptions,
  type PublishProgress,
  type StoredComponent,
  type ValueFormat,
} from './cloudlet.ts';
export { type ComponentInfo, inspectComponent } from './component/inspect.ts';
export { inspectTypes, type NamedTypes } from './component/inspect-types.ts';
export type {
  CallResult,
  HeaderPair,
  Invocation,
  InvocationEnd,
  InvocationRequest,
  InvocationTiming,
} from './invocation.ts';
export type { CloudletObserver } from './observer.ts';
export {
  type AcceleratorChoice,
  type CloudletLimits,
  type CloudletOptions,
  DEFAULT_LIMITS,
  type SandboxKind,
} from './options.ts';
