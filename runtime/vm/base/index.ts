export { type BaseVmShape, DEFAULT_BASE_VM } from './base-inputs.ts';
export { ensureBaseVmApart } from './base-process.ts';
export { BASE_STAGES, type BaseStage, type EnsureBaseVmOptions } from './build-base.ts';
export { type MissingForBaseVm, missingForBaseVm } from './requirements.ts';
