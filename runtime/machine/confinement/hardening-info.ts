import type { HardeningInfo } from '../../../guest-sdk/protocol/index.ts';
import { findHardening, limitOn, WHAT } from './hardening.ts';

/** What no machine goes without. */
const ALWAYS = ['no capabilities', 'no new privileges', 'seccomp filter', 'resource limits', 'dies with the host'];

/** What keeps machines apart from this computer, and what it does not let us have. Fails with `machine-failed` when there is no such program. */
export async function describeHardening(qemu = 'qemu-system-x86_64'): Promise<HardeningInfo> {
  const { facts, controlGroups, missing } = await findHardening(qemu);
  const applied = [
    ...ALWAYS,
    ...facts.layers.map((layer) => WHAT[layer]),
    ...controlGroups.places.map(({ controller }) => limitOn(controller)),
  ];
  return { applied, missing: missing.map(({ what, reason }) => ({ what, reason })) };
}
