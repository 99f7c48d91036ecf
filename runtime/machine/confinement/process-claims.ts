import { ControlGroup, type ControlGroups, openControlGroups } from './control-group.ts';

let opened: ControlGroups | null = null;

/** Where claims to the processors are held on this computer, for processes that are no machines; found out once. */
export function claimGroups(): ControlGroups {
  if (opened === null) {
    const { places, missing } = openControlGroups();
    const isClaim = ({ controller }: { readonly controller: string }) => controller === 'cpu';
    opened = { places: places.filter(isClaim), missing: missing.filter(isClaim) };
  }
  return opened;
}

/** A group for one process that claims for itself, until it is somebody's. Null where this computer lets us have none. */
export function claimingGroup(): ControlGroup | null {
  try {
    return ControlGroup.make(claimGroups().places, null);
  } catch {
    return null; // It runs without a boundary anyway; that claims are not held is told by the status of the host.
  }
}
