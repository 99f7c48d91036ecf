import type { ImportedInterface, ResourceHandle } from '../../../runtime/index.ts';
import type { WitFunction, WitType } from '../../protocol/index.ts';

/** A world for which bindings are written: its functions and what its author calls their types. */
export interface World {
  readonly name: string;
  /** What it exports. */
  readonly functions: readonly WitFunction[];
  /** What it imports; none when absent. */
  readonly imports?: readonly ImportedInterface[];
  /** Handles of imported resources. */
  readonly handles?: ReadonlyMap<WitType, ResourceHandle>;
  readonly names: ReadonlyMap<WitType, string>;
}
