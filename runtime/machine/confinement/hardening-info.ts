import type { HardeningInfo } from '../../../guest-sdk/protocol/index.ts';
import type { Controller } from './control-group-place.ts';
import { findHardening, limitOn, WHAT } from './hardening.ts';
import { claimGroups } from './process-claims.ts';

/** What no machine goes without. */
const ALWAYS = ['no capabilities', 'no new privileges', 'seccomp filter', 'resource limits', 'dies with the host'];

/** What a function has of the processors, where people read it. */
const CLAIMS = 'processors shared evenly between functions';

/** Whether claims to the processors are held by this. */
const isClaim = ({ controller }: { readonly controller: Controller }) => controller === 'cpu';

/** What processes that are no machines have of all this, and what this computer does not let them have. */
export function describeClaims(): HardeningInfo {
  const { places, missing } = claimGroups();
  return {
    applied: places.some(isClaim) ? [CLAIMS] : [],
    missing: missing.filter(isClaim).map(({ reason }) => ({ what: CLAIMS, reason })),
  };
}

/** What keeps machines apart from this computer, and what it does not let us have. Fails with `machine-failed` when there is no such program. */
export async function describeHardening(qemu = 'qemu-system-x86_64'): Promise<HardeningInfo> {
  const { facts, controlGroups, missing } = await findHardening(qemu);
  const applied = [
    ...ALWAYS,
    ...facts.layers.map((layer) => WHAT[layer]),
    ...controlGroups.places.map(({ controller }) => limitOn(controller)),
    ...(controlGroups.places.some(isClaim) ? [CLAIMS] : []),
  ];
  const claims = controlGroups.missing.filter(isClaim).map(({ reason }) => ({ what: CLAIMS, reason }));
  return { applied, missing: [...missing.map(({ what, reason }) => ({ what, reason })), ...claims] };
}
