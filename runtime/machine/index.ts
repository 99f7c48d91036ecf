export { type Accelerator, type AcceleratorOptions, chooseAccelerator, describeAccelerator } from './accelerator.ts';
export { type BootOptions, bootMachine } from './boot-machine.ts';
export { describeClaims, describeHardening } from './confinement/hardening-info.ts';
export { takeShortTurns, turnWords } from './confinement/short-turns.ts';
export { type Identity, newIdentity, TEMPLATE_WALL_MS } from './identity.ts';
export type { Machine, MachineExit } from './machine.ts';
export type { MachineShape } from './qemu-args.ts';
export type { QemuMachine } from './qemu-machine.ts';
export { INSTALL_QEMU, qemuVersion } from './qemu-version.ts';
export { type RestoreOptions, restoreMachine } from './restore-machine.ts';
export { copySparse } from './snapshot/copy-sparse.ts';
export { draftName, isCompleteName, isLeftOver } from './snapshot/directory-name.ts';
export { fileStamp } from './snapshot/file-stamp.ts';
export { isOwnerGone, ownerTag } from './snapshot/owner-tag.ts';
export { freeBytes, renameUnlessThere } from './snapshot/snapshot-draft.ts';
export type { Snapshot } from './snapshot/snapshot-files.ts';
export {
  type ComputerConditions,
  Conditions,
  computerConditions,
  conditionsOf,
  type SnapshotConditions,
} from './snapshot/snapshot-manifest.ts';
export { type SnapshotDraft, SnapshotStore } from './snapshot/snapshot-store.ts';
export {
  type BlockDigests,
  blockDigests,
  type ChangedFrom,
  DIGEST_BLOCK_BYTES,
  type DigestOptions,
  sparseDigest,
} from './snapshot/sparse-digest.ts';
export { unlessAborted } from './unless-aborted.ts';
