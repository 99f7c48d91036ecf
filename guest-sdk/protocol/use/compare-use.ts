import * as v from 'valibot';
import type { Grant } from '../grant/grant.ts';
import { namesOfGuestPath } from '../grant/guest-path.ts';
import { coversPattern, parseHostPattern } from '../grant/host-pattern.ts';
import type { Use } from './use.ts';

/** One item of a grant against what was used, or something that was tried and is in no grant. */
export const UseItem = v.object({
  /** `used`, `unused`: granted. `refused`: asked of the host, and not allowed. `missing`: looked for, and not granted. */
  state: v.picklist(['used', 'unused', 'refused', 'missing']),
  /** The key of `cloudlet.json`. */
  key: v.string(),
  /** Which of its entries; the path, name or host. */
  item: v.string(),
  /** How much of it, where that is known. */
  detail: v.optional(v.string()),
});
export type UseItem = v.InferOutput<typeof UseItem>;

/** Paths that were tried in vain of which are told: programs look for many that they do not need. */
const MOST_MISSING = 64;

const MIB = 1024 ** 2;

/** A grant, item by item, against what was used; then what was tried and refused, or looked for and is not there. */
export function compareUse(grant: Grant, use: Use): UseItem[] {
  return [...granted(grant, use), ...refused(use), ...missing(use)];
}

function granted(grant: Grant, use: Use): UseItem[] {
  const { files, configuration, sockets } = use;
  const touched = [...files.read, ...files.lookedAt, ...files.listed];
  const isKeyRead = (key: string) => configuration.all || configuration.read.includes(key);
  const secretReaders = (name: string) => ({
    inEnvironment: refersTo(grant.environment, name).length > 0,
    keys: refersTo(grant.configuration, name),
  });
  const row = (key: string, item: string, isUsed: boolean, detail?: string): UseItem => ({
    ...{ key, item, state: isUsed ? 'used' : 'unused' },
    ...(detail === undefined ? {} : { detail }),
  });
  return [
    ...grant.files.map(({ path }) => row('files', path, isWithin(path, touched))),
    ...grant.scratch.map(({ path, bytes }) =>
      row('scratch', path, isWithin(path, files.written), `${use.most.scratchBytes} of ${bytes} bytes`),
    ),
    ...Object.keys(grant.environment).map((key) => row('environment', key, use.environment)),
    ...(grant.arguments.length === 0 ? [] : [row('arguments', grant.arguments.join(' '), use.arguments)]),
    ...Object.keys(grant.configuration).map((key) => row('configuration', key, isKeyRead(key))),
    ...grant.secrets.map((name) => {
      const { inEnvironment, keys } = secretReaders(name);
      return row('secrets', name, (inEnvironment && use.environment) || keys.some(isKeyRead));
    }),
    ...grant.http.map((host) =>
      row(
        'http',
        host,
        use.http.some((each) => covers(host, each.host, 'scheme')),
        use.http
          .filter((each) => covers(host, each.host, 'scheme'))
          .flatMap(({ methods }) => methods)
          .join(', ') || undefined,
      ),
    ),
    ...(['tcp', 'udp'] as const).flatMap((kind) =>
      grant.sockets[kind].map((host) =>
        row(
          `sockets.${kind}`,
          host,
          sockets[kind].some((each) => covers(host, each, 'named')),
        ),
      ),
    ),
    ...(grant.sockets.lookup ? [row('sockets', 'lookup', sockets.lookup.length > 0)] : []),
    ...(grant.sockets.listen ? [row('sockets', 'listen', sockets.listen)] : []),
    ...stores(grant, use).map(([key, usedBytes, bytes]) =>
      row('stores', key, usedBytes !== null, usedBytes === null ? undefined : `${usedBytes} of ${bytes} bytes`),
    ),
    row(
      'limits',
      'memoryMib',
      use.most.memoryBytes > 0,
      `${Math.ceil(use.most.memoryBytes / MIB)} of ${grant.limits.memoryMib}`,
    ),
  ];
}

function stores({ stores: { keyvalue, blobs } }: Grant, { stores: used }: Use) {
  return [
    ...(keyvalue === null ? [] : [['keyvalue', used.keyvalueBytes, keyvalue.bytes] as const]),
    ...(blobs === null ? [] : [['blobs', used.blobBytes, blobs.bytes] as const]),
  ];
}

function refused({ denied, files }: Use): UseItem[] {
  return [
    ...denied.map((item): UseItem => ({ state: 'refused', key: keyOfDenied(item), item })),
    ...files.readOnly.slice(0, MOST_MISSING).map((item): UseItem => ({ state: 'refused', key: 'scratch', item })),
  ];
}

function missing({ files, configuration }: Use): UseItem[] {
  return [
    ...files.missing.slice(0, MOST_MISSING).map((item): UseItem => ({ state: 'missing', key: 'files', item })),
    ...configuration.missing.map((item): UseItem => ({ state: 'missing', key: 'configuration', item })),
  ];
}

/** The key of `cloudlet.json` that something denied would need: `http api.example.org`, `keyvalue.get`, `tcp 192.0.2.1:80`. */
function keyOfDenied(item: string): string {
  if (/^http[. ]/.test(item)) return 'http';
  if (item.startsWith('keyvalue.')) return 'stores.keyvalue';
  if (item.startsWith('blob')) return 'stores.blobs';
  return 'sockets';
}

/** Whether one of the paths is at or below a place. */
export function isWithin(place: string, paths: readonly string[]): boolean {
  const at = `/${namesOfGuestPath(place).join('/')}`;
  return paths.some((path) => path === at || at === '/' || path.startsWith(`${at}/`));
}

function refersTo(table: Grant['environment'], secret: string): string[] {
  return Object.entries(table).flatMap(([key, value]) =>
    typeof value !== 'string' && value.secret === secret ? [key] : [],
  );
}

function covers(wide: string, narrow: string, port: 'scheme' | 'named'): boolean {
  const [outer, inner] = [parseHostPattern(wide, { port }), parseHostPattern(narrow, { port })];
  return typeof outer !== 'string' && typeof inner !== 'string' && coversPattern(outer, inner);
}
