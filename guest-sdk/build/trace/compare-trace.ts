import {
  askedGrant,
  compareUse,
  coversPattern,
  type Grant,
  type GrantRequest,
  isWithin,
  limitsWith,
  parseHostPattern,
  type UseItem,
} from '../../protocol/index.ts';
import type { TraceRecord } from './trace-record.ts';

/** A project's grant against what its traces saw. */
export interface TraceComparison {
  /** Item by item. */
  readonly items: readonly UseItem[];
  /** What is granted and no trace used: sentences. */
  readonly unused: readonly string[];
  /** What traces used and the grant does not give: sentences. */
  readonly lacking: readonly string[];
}

/** Things of one kind that are told. */
const MOST_TOLD = 4;

/** Compares what a project asks for with what its traces saw. */
export function compareTrace(record: TraceRecord, request: GrantRequest): TraceComparison {
  const asked = askedGrant(request);
  const grant: Grant = { ...asked, limits: limitsWith(asked.limits as Partial<Grant['limits']>) };
  const items = compareUse(grant, record.use);
  const unused = items
    .filter(({ state }) => state === 'unused')
    .map(({ key, item }) => `${key} ${item}: granted, and no trace used it; see npx cloudlet trace --learn`);
  const lacking = lacks(grant, record).flatMap(([key, things]) => {
    if (things.length === 0) return [];
    const more = things.length > MOST_TOLD ? ` and ${things.length - MOST_TOLD} more` : '';
    const told = `${things.slice(0, MOST_TOLD).join(', ')}${more}`;
    return [`${key}: traces used ${told}, not granted; npx cloudlet trace --learn --write adds it`];
  });
  return { items, unused, lacking };
}

function lacks(grant: Grant, { use, environment, secrets }: TraceRecord): [key: string, things: readonly string[]][] {
  const places = [...grant.files, ...grant.scratch].map(({ path }) => path);
  const outside = (paths: readonly string[], of: readonly string[]) =>
    paths.filter((path) => !of.some((place) => isWithin(place, [path])));
  const { http, sockets, stores } = use;
  const scratch = grant.scratch.map(({ path }) => path);
  return [
    // What a program wrote itself it needs not be given.
    ['files', outside(use.files.read, [...places, ...use.files.written])],
    ['scratch', outside(use.files.written, scratch)],
    [
      'environment',
      [...Object.keys(environment), ...Object.keys(secrets)].filter((name) => !(name in grant.environment)),
    ],
    [
      'http',
      uncovered(
        http.map(({ host }) => host),
        grant.http,
        'scheme',
      ),
    ],
    ['sockets.tcp', uncovered(sockets.tcp, grant.sockets.tcp, 'named')],
    ['sockets.udp', uncovered(sockets.udp, grant.sockets.udp, 'named')],
    ['stores', stores.keyvalueBytes !== null && grant.stores.keyvalue === null ? ['keyvalue'] : []],
    ['stores', stores.blobBytes !== null && grant.stores.blobs === null ? ['blobs'] : []],
  ];
}

function uncovered(used: readonly string[], granted: readonly string[], port: 'scheme' | 'named'): string[] {
  return used.filter((host) => {
    const narrow = parseHostPattern(host, { port });
    return !granted.some((each) => {
      const wide = parseHostPattern(each, { port });
      return typeof wide !== 'string' && typeof narrow !== 'string' && coversPattern(wide, narrow);
    });
  });
}
