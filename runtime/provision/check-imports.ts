import { type AskedGrant, CloudletError, type Grant } from '../../guest-sdk/protocol/index.ts';
import type { EffectiveGrant } from '../grant/index.ts';

/** Interfaces that are of no use without a grant. */
interface GrantedInterfaces {
  /** Names of the interfaces begin so. */
  readonly prefixes: readonly string[];
  readonly isGranted: (grant: Grant | AskedGrant) => boolean;
  /** Its key in `cloudlet.json`. */
  readonly key: string;
  /** What to add there. */
  readonly line: string;
  /** Standard libraries import it whatever a program does: then what it asks fails when it asks. */
  readonly isAlwaysImported: boolean;
}

const hasDirectories = ({ files, scratch }: Grant | AskedGrant) => files.length + scratch.length > 0;

const INTERFACES: readonly GrantedInterfaces[] = [
  {
    prefixes: ['wasi:keyvalue/'],
    isGranted: ({ stores }) => stores.keyvalue !== null,
    key: 'stores.keyvalue',
    line: '"stores": { "keyvalue": { "bytes": 1048576 } }',
    isAlwaysImported: false,
  },
  {
    prefixes: ['wasi:blobstore/'],
    isGranted: ({ stores }) => stores.blobs !== null,
    key: 'stores.blobs',
    line: '"stores": { "blobs": { "bytes": 1048576 } }',
    isAlwaysImported: false,
  },
  {
    prefixes: ['wasi:config/'],
    isGranted: ({ configuration }) => Object.keys(configuration).length > 0,
    key: 'configuration',
    line: '"configuration": { "key": "value" }',
    isAlwaysImported: true,
  },
  {
    prefixes: ['wasi:http/outgoing-handler@', 'wasi:http/client@'],
    isGranted: ({ http }) => http.length > 0,
    key: 'http',
    line: '"http": ["api.example.org"]',
    isAlwaysImported: true,
  },
  {
    prefixes: ['wasi:sockets/'],
    isGranted: ({ sockets }) => sockets.tcp.length + sockets.udp.length > 0 || sockets.lookup || sockets.listen,
    key: 'sockets',
    line: '"sockets": { "tcp": ["db.example.org:5432"] }',
    isAlwaysImported: true,
  },
  {
    prefixes: ['wasi:filesystem/', 'wasi_snapshot_preview1'],
    isGranted: hasDirectories,
    key: 'files',
    line: '"files": [{ "path": "/data", "from": "assets" }]',
    isAlwaysImported: true,
  },
];

/**
 * Refuses a component that can do nothing without what it is not granted: it imports a store and has none. `grant-missing` names the
 * interface and what to add to `cloudlet.json`, or says that the host's policy is in the way.
 */
export function checkImports(imports: readonly string[], asked: AskedGrant, granted: Grant): void {
  for (const { prefixes, isGranted, key, line, isAlwaysImported } of INTERFACES) {
    const found = imports.find((name) => prefixes.some((prefix) => name.startsWith(prefix)));
    if (found === undefined || isAlwaysImported || isGranted(granted)) continue;
    throw new CloudletError(
      'grant-missing',
      isGranted(asked)
        ? `the component imports ${found}, and this cloudlet's policy grants no ${key}; its operator may allow it (--policy)`
        : `the component imports ${found}, which needs a grant; add ${line} to cloudlet.json, or see what it needs with: npx cloudlet trace`,
    );
  }
}

/** Imports that a component has and that will find nothing. */
export function importsWithoutGrant(imports: readonly string[], grant: Grant): string[] {
  return imports.filter((name) =>
    INTERFACES.some(
      ({ prefixes, isGranted }) => !isGranted(grant) && prefixes.some((prefix) => name.startsWith(prefix)),
    ),
  );
}

/** What the publisher of a component should know of its grant: sentences for people. */
export function grantWarnings(imports: readonly string[], asked: AskedGrant, { reduced }: EffectiveGrant): string[] {
  const unused = INTERFACES.filter(
    ({ prefixes, isGranted }) =>
      isGranted(asked) && !imports.some((name) => prefixes.some((prefix) => name.startsWith(prefix))),
  );
  return [
    ...reduced.map(
      (each) =>
        `${each.what}: asked for ${each.asked}, granted ${each.granted}; this cloudlet's policy allows no more (--policy)`,
    ),
    ...requestsWithoutHost(imports, asked),
    ...unused.map(
      ({ key, prefixes }) =>
        `${key}: asked for, but the component does not import ${prefixes[0]!.replace(/[/@]$/, '')}, so it makes no use of it`,
    ),
  ];
}

/** No linker leaves in a component what its own code does not call, save a JavaScript engine's: worth a word, and no refusal, for either may do without. */
function requestsWithoutHost(imports: readonly string[], asked: AskedGrant): string[] {
  const { prefixes, line } = INTERFACES.find(({ key }) => key === 'http')!;
  const found = imports.find((name) => prefixes.some((prefix) => name.startsWith(prefix)));
  if (found === undefined || asked.http.length > 0) return [];
  return [
    `http: the component imports ${found}, and no host is asked for, so its requests will be refused; add ${line} to cloudlet.json, or see whom it asks with: npx cloudlet trace --allow-net`,
  ];
}
