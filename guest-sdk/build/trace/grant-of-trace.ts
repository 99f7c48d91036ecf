import { stat } from 'node:fs/promises';
import { posix, resolve } from 'node:path';
import { askedGrant, coversPattern, type GrantRequest, parseHostPattern } from '../../protocol/index.ts';
import { type CopiedFile, fileGrants, isBelow } from './file-grants.ts';
import { bytesFor, limitsFor } from './headroom.ts';
import type { TraceRecord } from './trace-record.ts';

/** The grant that what was seen needs. */
export interface TracedGrant {
  readonly grant: GrantRequest;
  /** What must be copied into the project for it. */
  readonly copies: readonly CopiedFile[];
  /** What a person should know of it: sentences. */
  readonly notes: readonly string[];
}

/** Paths of one kind that are told; the record has them all. */
const MOST_TOLD = 16;

/**
 * The exact grant for what a record saw: nothing that was not used, but for words and values that only the project knows (arguments,
 * configuration), and limits with headroom. `before` is what the project asks for now.
 */
export async function grantOfTrace(record: TraceRecord, before: GrantRequest, folder: string): Promise<TracedGrant> {
  const { use } = record;
  const asked = askedGrant(before);
  const { files, copies } = await fileGrants(record.sources, folder);
  const scratch = await scratchOf(record, files, asked.scratch, folder);
  const environment = {
    ...Object.fromEntries(
      Object.entries(asked.environment).filter(([name]) => name in record.environment || name in record.secrets),
    ),
    ...kept(record.environment, asked.environment),
    ...Object.fromEntries(Object.entries(record.secrets).map(([name, secret]) => [name, { secret }])),
  };
  const configuration = Object.fromEntries(
    Object.entries(asked.configuration).filter(
      ([key]) => use.configuration.all || use.configuration.read.includes(key),
    ),
  );
  const values = [...Object.values(environment), ...Object.values(configuration)];
  const secrets = [...new Set(values.flatMap((value) => (typeof value === 'string' ? [] : [value.secret])))].sort();
  const http = hosts(
    use.http.map(({ host }) => host),
    asked.http,
    'scheme',
  );
  const tcp = hosts(use.sockets.tcp, asked.sockets.tcp, 'named');
  const udp = hosts(use.sockets.udp, asked.sockets.udp, 'named');
  const lookup = use.sockets.lookup.some((name) => ![...tcp, ...udp].some((host) => host.startsWith(`${name}:`)));
  const sockets = {
    ...(tcp.length === 0 ? {} : { tcp }),
    ...(udp.length === 0 ? {} : { udp }),
    ...(lookup ? { lookup } : {}),
    ...(use.sockets.listen ? { listen: true } : {}),
  };
  const stores = {
    ...store('keyvalue', use.stores.keyvalueBytes, asked.stores.keyvalue),
    ...store('blobs', use.stores.blobBytes, asked.stores.blobs),
  };
  const limits = limitsFor(use.most, asked.limits);
  const grant: GrantRequest = {
    ...(scratch.merged.length === 0 ? {} : { files: scratch.merged }),
    ...(scratch.scratch.length === 0 ? {} : { scratch: scratch.scratch }),
    ...some('environment', environment),
    ...(use.arguments && asked.arguments.length > 0 ? { arguments: asked.arguments } : {}),
    ...some('configuration', configuration),
    ...(secrets.length === 0 ? {} : { secrets }),
    ...(http.length === 0 ? {} : { http }),
    ...some('sockets', sockets),
    ...some('stores', stores),
    ...some('limits', limits),
  };
  return { grant, copies, notes: notesOf(record) };
}

type Files = NonNullable<GrantRequest['files']>;
type Scratch = readonly { readonly path: string; readonly bytes: number; readonly from: string | null }[];

/** The directories that were written to, and the entries of `files` that are not at the same place. */
async function scratchOf({ use, sources }: TraceRecord, files: Files, before: Scratch, folder: string) {
  const written = use.files.written;
  const present = before.filter(({ path }) => written.some((each) => isBelow(each, absolute(path))));
  const covered = (path: string) => present.some((each) => isBelow(path, absolute(each.path)));
  const places = [...new Set(written.filter((path) => !covered(path)).map((path) => posix.dirname(path)))].sort();
  const roots = places.filter((each) => !places.some((other) => other !== each && isBelow(each, other)));
  // What is there at the start counts as well.
  const most = async (path: string) => {
    const within = Object.entries(sources).filter(([each]) => isBelow(each, absolute(path)));
    const sizes = await Promise.all(within.map(([, source]) => stat(resolve(folder, source))));
    return bytesFor(use.most.scratchBytes + sizes.reduce((sum, { size }) => sum + size, 0));
  };
  const scratch = await Promise.all([
    ...present.map(async ({ path, bytes, from }) => ({
      ...{ path, bytes: Math.max(bytes, await most(path)) },
      ...(from === null ? {} : { from }),
    })),
    ...roots.map(async (path) => {
      const from = files.find((each) => each.path === path)?.from;
      return { path, bytes: await most(path), ...(from === undefined ? {} : { from }) };
    }),
  ]);
  return { scratch, merged: files.filter(({ path }) => !scratch.some((each) => each.path === path)) };
}

/** Values that the project gives stay: those of a trace are only for names that it has none for. */
function kept(seen: Readonly<Record<string, string>>, before: GrantRequest['environment'] & {}) {
  return Object.fromEntries(Object.entries(seen).map(([name, value]) => [name, before[name] ?? value]));
}

/** A pattern that the project has and that was used stands for all hosts that it names. */
function hosts(used: readonly string[], before: readonly string[], port: 'scheme' | 'named'): string[] {
  const covers = (wide: string, narrow: string) => {
    const [outer, inner] = [parseHostPattern(wide, { port }), parseHostPattern(narrow, { port })];
    return typeof outer !== 'string' && typeof inner !== 'string' && coversPattern(outer, inner);
  };
  const patterns = before.filter((pattern) => used.some((host) => covers(pattern, host)));
  return [...patterns, ...used.filter((host) => !patterns.some((pattern) => covers(pattern, host)))];
}

function store(name: 'keyvalue' | 'blobs', usedBytes: number | null, before: { readonly bytes: number } | null) {
  if (usedBytes === null) return {};
  return { [name]: { bytes: Math.max(before?.bytes ?? 0, bytesFor(usedBytes)) } };
}

function some<Key extends string, Value extends object>(key: Key, value: Value): { [K in Key]?: Value } {
  return Object.keys(value).length === 0 ? {} : ({ [key]: value } as { [K in Key]?: Value });
}

function notesOf({ use, unknownVariables }: TraceRecord): string[] {
  const told = (paths: readonly string[]) =>
    paths.length <= MOST_TOLD ? paths : [...paths.slice(0, MOST_TOLD), `${paths.length - MOST_TOLD} more`];
  const line = (sentence: string, paths: readonly string[]) =>
    paths.length === 0 ? [] : [`${sentence}: ${told(paths).join(', ')}`];
  // What was made by an earlier run, or is there in another, was not missing.
  const there = new Set([...use.files.read, ...use.files.written]);
  const onlyLooked = use.files.lookedAt.filter((path) => !there.has(path) && !use.files.listed.includes(path));
  return [
    ...line(
      'looked for and not there',
      use.files.missing.filter((path) => !there.has(path)),
    ),
    ...line('asked about and not read, so left out', onlyLooked),
    ...line('listed; only what was read of it is in the package', use.files.listed),
    ...line('configuration that is not granted', use.configuration.missing),
    ...line('refused', use.denied),
    ...line('variables whose names the component does not hold, so left out', unknownVariables),
    ...(use.dropped === 0 ? [] : [`${use.dropped} uses were more than can be recorded; the grant may lack them`]),
  ];
}

function absolute(path: string): string {
  return path.startsWith('/') ? path : `/${path}`;
}
