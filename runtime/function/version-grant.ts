import { NOTHING_ASKED, parseGrant } from '../../guest-sdk/protocol/index.ts';
import { type EffectiveGrant, effectiveGrant, type HostPolicy } from '../grant/index.ts';
import { parsePackage, type StoredPackage } from '../provision/index.ts';
import type { RegisteredVersion } from '../store/index.ts';

/** What a version is given here, and the package that asks for it. */
export interface VersionGrant extends EffectiveGrant {
  /** Null for a component without a package. */
  readonly stored: StoredPackage | null;
}

/** Versions whose grants are remembered: each invocation asks for one. */
const KEPT = 1024;

/** The grants of versions under the host's policy. What they ask never changes, and the policy only with the host. */
export class VersionGrants {
  readonly #policy: HostPolicy;
  readonly #known = new Map<string, VersionGrant>();

  constructor(policy: HostPolicy) {
    this.#policy = policy;
  }

  /** `id` names the version for ever, see `versionId`. */
  of(id: string, version: RegisteredVersion): VersionGrant {
    const known = this.#known.get(id);
    if (known !== undefined) return known;
    const stored = version.package === null ? null : parsePackage(version.package);
    const asked = stored === null ? NOTHING_ASKED : parseGrant(stored.grant);
    const made = { ...effectiveGrant(asked, this.#policy), stored };
    if (this.#known.size >= KEPT) this.#known.clear();
    this.#known.set(id, made);
    return made;
  }
}
