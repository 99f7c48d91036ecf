import { CloudletError, type Door, type WitFunction } from '../../guest-sdk/protocol/index.ts';
import type { ArtifactManifest } from '../component/index.ts';

/** What the registry keeps about a version's component, so that listing and checking a call need no artifact. */
export interface FunctionDescription {
  readonly doors: readonly Door[];
  /** Its instances serve many invocations. */
  readonly asynchronous: boolean;
  /** Interfaces that the component imports, with versions. */
  readonly imports: readonly string[];
  /** Functions for typed calls. */
  readonly functions: readonly WitFunction[];
}

/** Changes whenever a description says more, or something else; older ones are then made again from the component. */
const FORMAT = 2;

/** What an artifact's manifest says about its component. */
export function describeManifest({ doors, asynchronous, imports, functions }: ArtifactManifest): FunctionDescription {
  return { doors, asynchronous, imports, functions: functions.map(({ wit }) => wit) };
}

/** A description as the registry keeps it. */
export function formatDescription(description: FunctionDescription): string {
  return JSON.stringify({ format: FORMAT, ...description });
}

/**
 * Reads what `formatDescription` wrote; undefined when another version of this program wrote it. The text is our own, from
 * the registry.
 */
export function parseDescription(text: string): FunctionDescription | undefined {
  const { format, doors, asynchronous, imports, functions } = JSON.parse(text) as FunctionDescription & {
    format: number;
  };
  return format === FORMAT ? { doors, asynchronous, imports, functions } : undefined;
}

/** The export that a caller names: as listed, or with its interface's full name. `export-unknown` names those there are. */
export function findExport({ functions }: FunctionDescription, target: string): WitFunction {
  const found = functions.find((fn) => fn.name === target || `${fn.interface}.${fn.function}` === target);
  if (found !== undefined) return found;
  const known = functions.slice(0, 20).map((fn) => fn.name);
  throw new CloudletError(
    'export-unknown',
    known.length === 0
      ? `expected a component with functions for typed calls, got one that exports none`
      : `expected one of the exports ${known.join(', ')}, got ${JSON.stringify(target.slice(0, 100))}`,
  );
}

/** Refuses a way to call that the component does not offer, naming those it does. */
export function checkDoor(description: FunctionDescription, door: Door): void {
  if (description.doors.includes(door)) return;
  const offered = description.doors.map((each) => `"${each}"`).join(', ') || 'nothing';
  const instead = description.doors.map((each) => USES[each]).join(', or ');
  throw new CloudletError(
    'door-mismatch',
    `expected a component that offers "${door}", got one that offers ${offered}${instead === '' ? '' : `; ${instead} instead`}`,
  );
}

/** How a component with each door is used. */
const USES: Readonly<Record<Door, string>> = {
  call: 'call its exports',
  run: 'run it as a command',
  http: 'send it http requests',
};
