import type { Grant } from '../../guest-sdk/protocol/index.ts';
import type { ReuseLimits, SentDirectory } from '../agent/wire.ts';
import type { Artifact } from '../component/artifact.ts';
import type { SecretValues } from '../grant/index.ts';
import type { OutsideServices } from '../outside/outside-service.ts';
import type { VersionUse } from './version-use.ts';

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
  /** The directories that its grant gives, with the package's files; asked for like the artifact. None when left out. */
  readonly files?: () => Promise<readonly SentDirectory[]>;
  /** While bytes of files are on their way: settles when they are here, or do not come. Null, or left out, when all are here. */
  readonly late?: () => Promise<void> | null;
  /** Hears what its guests use; nobody when left out. */
  readonly use?: VersionUse;
  /** Its uses are recorded by somebody who runs a few invocations: they are told in full. */
  readonly recorded?: boolean;
  /** The present values of the secrets that its grant names; none when left out. Asked for at each start, and never kept. */
  readonly secrets?: () => SecretValues;
}
