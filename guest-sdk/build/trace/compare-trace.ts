import {
  askedGrant,
  compareUse,
  type Grant,
  type GrantRequest,
  limitsWith,
  type UseItem,
} from '../../protocol/index.ts';
import { grantOfTrace } from './grant-of-trace.ts';
import { grantChanges } from './project-text.ts';
import type { TraceRecord } from './trace-record.ts';

/** A project's grant against what its traces saw. */
export interface TraceComparison {
  /** Item by item. */
  readonly items: readonly UseItem[];
  /** Keys of the grant, and an entry of each, that no trace used: sentences. */
  readonly unused: readonly string[];
  /** What traces used and the grant does not give: sentences. */
  readonly lacking: readonly string[];
}

/** Compares what a project asks for with what its traces saw; `folder` is the project's. */
export async function compareTrace(
  record: TraceRecord,
  request: GrantRequest,
  folder: string,
): Promise<TraceComparison> {
  const asked = askedGrant(request);
  const grant: Grant = { ...asked, limits: limitsWith(asked.limits as Partial<Grant['limits']>) };
  const items = compareUse(grant, record.use);
  const unused = items
    .filter(({ state }) => state === 'unused')
    .map(
      ({ key, item }) =>
        `${key} ${item}: granted, and no trace used it; npx cloudlet trace --learn says what is needed`,
    );
  const { grant: needed } = await grantOfTrace(record, request, folder);
  const lacking = grantChanges(request, needed)
    .filter(({ key, before, after }) => after !== null && key !== 'limits' && !holds(before, after))
    .map(
      ({ key }) =>
        `${key}: traces used more than it grants; npx cloudlet trace --learn shows it, with --write it is added`,
    );
  return { items, unused, lacking };
}

/** Whether everything that is needed is in what there is. */
function holds(present: unknown, needed: unknown): boolean {
  if (Array.isArray(needed)) {
    const list = Array.isArray(present) ? present : present === null ? [] : [present];
    return needed.every((each) => list.some((other) => holds(other, each)));
  }
  if (typeof needed === 'object' && needed !== null) {
    if (typeof present !== 'object' || present === null) return false;
    return Object.entries(needed).every(([key, value]) => holds((present as Record<string, unknown>)[key], value));
  }
  if (typeof needed === 'number' && typeof present === 'number') return present >= needed;
  return present === needed;
}
