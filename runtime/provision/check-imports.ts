import {
  type AskedGrant,
  askedGrant,
  CloudletError,
  type Deniable,
  type Grant,
  type GrantRequest,
  isStated,
} from '../../guest-sdk/protocol/index.ts';
import type { EffectiveGrant } from '../grant/index.ts';

/** Interfaces that give nothing without a grant. */
interface GrantedInterfaces {
  /** Names of the interfaces begin so. */
  readonly prefixes: readonly string[];
  /** Those of them by which a component gets hold of anything: the rest are types, and methods of what these give. */
  readonly entrances: readonly string[];
  readonly isGranted: (grant: Grant | AskedGrant) => boolean;
  /** Its key in `cloudlet.json`. */
  readonly key: string;
  /** What to add there. */
  readonly line: string;
  /** The word by which a grant says that there is none of it, and the line that says so. */
  readonly denial: readonly [what: Deniable, line: string] | null;
}

const hasDirectories = ({ files, scratch }: Grant | AskedGrant) => files.length + scratch.length > 0;

const INTERFACES: readonly GrantedInterfaces[] = [
  {
    prefixes: ['wasi:keyvalue/'],
    entrances: ['wasi:keyvalue/'],
    isGranted: ({ stores }) => stores.keyvalue !== null,
    key: 'stores.keyvalue',
    line: '"stores": { "keyvalue": { "bytes": 1048576 } }',
    denial: ['keyvalue', '"stores": { "keyvalue": { "bytes": 0 } }'],
  },
  {
    prefixes: ['wasi:blobstore/'],
    entrances: ['wasi:blobstore/'],
    isGranted: ({ stores }) => stores.blobs !== null,
    key: 'stores.blobs',
    line: '"stores": { "blobs": { "bytes": 1048576 } }',
    denial: ['blobs', '"stores": { "blobs": { "bytes": 0 } }'],
  },
  {
    prefixes: ['wasi:config/'],
    entrances: ['wasi:config/'],
    isGranted: ({ configuration }) => Object.keys(configuration).length > 0,
    key: 'configuration',
    line: '"configuration": { "key": "value" }',
    denial: ['configuration', '"configuration": {}'],
  },
  {
    prefixes: ['wasi:http/outgoing-handler@', 'wasi:http/client@'],
    entrances: ['wasi:http/outgoing-handler@', 'wasi:http/client@'],
    isGranted: ({ http }) => http.length > 0,
    key: 'http',
    line: '"http": ["api.example.org"]',
    denial: ['http', '"http": []'],
  },
  {
    prefixes: ['wasi:sockets/'],
    // Of WASI 0.3 the types make their sockets themselves.
    entrances: ['tcp-create-socket@', 'udp-create-socket@', 'ip-name-lookup@', 'types@'].map(
      (name) => `wasi:sockets/${name}`,
    ),
    isGranted: ({ sockets }) => sockets.tcp.length + sockets.udp.length > 0 || sockets.lookup || sockets.listen,
    key: 'sockets',
    line: '"sockets": { "tcp": ["db.example.org:5432"] }',
    denial: ['sockets', '"sockets": {}'],
  },
  {
    // Every libc asks for the directories there are, and gets a list of none.
    prefixes: ['wasi:filesystem/', 'wasi_snapshot_preview1'],
    entrances: [],
    isGranted: hasDirectories,
    key: 'files',
    line: '"files": [{ "path": "/data", "from": "assets" }]',
    denial: null,
  },
];

/** What a component imports and nobody has said that it may, or may not, have. */
export interface UngrantedImport {
  /** The interface. */
  readonly name: string;
  /** The key of `cloudlet.json`, and what to add: to grant it, or to have the component without. */
  readonly key: string;
  readonly line: string;
  readonly denial: string;
}

/** Imports that a grant would have to name, and does not: with them a component imports more than it is granted. */
export function importsBeyondGrant(imports: readonly string[], request: GrantRequest): UngrantedImport[] {
  return INTERFACES.flatMap(({ entrances, key, line, denial }) => {
    const name = importedOf(imports, entrances);
    if (name === undefined || denial === null || isStated(request, denial[0])) return [];
    return [{ name, key, line, denial: denial[1] }];
  });
}

/**
 * Refuses a component that imports more than its grant names, be it to say that there is none, and one that has no store because the
 * host's policy gives none. `grant-missing` names the interfaces and what to add to `cloudlet.json`. `brought` are imports that say nothing of it.
 */
export function checkImports(
  imports: readonly string[],
  request: GrantRequest,
  granted: Grant,
  brought: readonly string[] = [],
): void {
  const own = imports.filter((name) => !brought.includes(name));
  const beyond = importsBeyondGrant(own, request);
  if (beyond.length > 0) throw new CloudletError('grant-missing', beyondSentence(beyond));
  const asked = askedGrant(request);
  for (const { entrances, isGranted, key } of INTERFACES) {
    const found = importedOf(imports, entrances);
    if (found === undefined || !key.startsWith('stores.') || isGranted(granted) || isNone(asked, key)) continue;
    throw new CloudletError(
      'grant-missing',
      `the component imports ${found}, and this cloudlet's policy grants no ${key}; its operator may allow it (--policy)`,
    );
  }
}

function beyondSentence(beyond: readonly UngrantedImport[]): string {
  const names = beyond.map(({ name }) => name).join(' and ');
  const [lines, denials] = (['line', 'denial'] as const).map((part) => joined(beyond.map((each) => each[part])));
  const trace = beyond.some(({ key }) => key === 'http' || key === 'sockets') ? ' --allow-net' : '';
  return `the component imports ${names}, which ${beyond.length === 1 ? 'needs' : 'need'} a grant; add ${lines} to cloudlet.json (npx cloudlet trace${trace} finds out what), or ${denials} where it is to go without; who publishes a component alone says so with --grant FILE or --deny`;
}

/** Lines of one project file: those of the stores are one. */
function joined(lines: readonly string[]): string {
  const [before, after] = ['"stores": { ', ' }'];
  const stores = lines.filter((line) => line.startsWith(before));
  const inner = stores.map((line) => line.slice(before.length, -after.length)).join(', ');
  const others = lines.filter((line) => !stores.includes(line));
  return [...(stores.length === 0 ? [] : [`${before}${inner}${after}`]), ...others].join(' and ');
}

/** Whether a grant says of a store that there is none. */
function isNone({ stores }: AskedGrant, key: string): boolean {
  return stores[key === 'stores.keyvalue' ? 'keyvalue' : 'blobs']?.bytes === 0;
}

function importedOf(imports: readonly string[], prefixes: readonly string[]): string | undefined {
  return imports.find((name) => prefixes.some((prefix) => name.startsWith(prefix)));
}

/** Imports that a component has and that will find nothing. */
export function importsWithoutGrant(imports: readonly string[], grant: Grant): string[] {
  return imports.filter((name) =>
    INTERFACES.some(
      ({ prefixes, isGranted }) => !isGranted(grant) && prefixes.some((prefix) => name.startsWith(prefix)),
    ),
  );
}

/** What the publisher of a component should know of its grant: sentences for people. `brought` are imports that an engine has whatever its program does. */
export function grantWarnings(
  imports: readonly string[],
  asked: AskedGrant,
  { reduced }: EffectiveGrant,
  brought: readonly string[] = [],
): string[] {
  const unused = INTERFACES.filter(
    ({ prefixes, isGranted }) => isGranted(asked) && importedOf(imports, prefixes) === undefined,
  );
  return [
    ...reduced.map(
      (each) =>
        `${each.what}: asked for ${each.asked}, granted ${each.granted}; this cloudlet's policy allows no more (--policy)`,
    ),
    ...importsBeyondGrant(brought, {}).map(
      ({ name, key, line, denial }) =>
        `${key}: its engine imports ${name} whatever the program does, and what it asks is refused; add ${line} to what it is granted (--grant), or ${denial} (--deny ${key})`,
    ),
    ...unused.map(
      ({ key, prefixes }) =>
        `${key}: asked for, but the component does not import ${prefixes[0]!.replace(/[/@]$/, '')}, so it makes no use of it`,
    ),
  ];
}
