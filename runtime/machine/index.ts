export { type Accelerator, type AcceleratorOptions, chooseAccelerator, describeAccelerator } from './accelerator.ts';
export { type BootOptions, bootMachine } from './boot-machine.ts';
export type { Machine, MachineExit } from './machine.ts';
export { INSTALL_QEMU, qemuVersion } from './qemu-version.ts';
