import type { Grant } from '../../guest-sdk/protocol/index.ts';
import type { ReuseLimits } from '../agent/wire.ts';
import type { Artifact } from '../component/artifact.ts';
import type { OutsideServices } from '../outside/outside-service.ts';

/** A version of a function as the pool needs it. */
export interface LoadedVersion {
  /** Names the version among all; the same id is the same content. */
  readonly id: string;
  /** The function's name; a command sees it as its first argument. */
  readonly program: string;
  readonly grant: Grant;
  /** How instances of the component are used again; absent for one whose instances serve one invocation each. */
  readonly reuse?: ReuseLimits;
  /** What its guests may ask of the host, asked for by each invocation; nothing when it is left out. */
  readonly outside?: () => OutsideServices;
  /** The translated component; asked for only when a sandbox is to be loaded. */
  readonly artifact: () => Promise<Artifact>;
}
