import { type CloudletClient, failureOf } from '../../../guest-sdk/client/index.ts';
import type { EntryInfo, EntrySummary } from '../../../guest-sdk/protocol/index.ts';
import { drawnDeployment } from '../deploy/drawn-deployment.ts';
import { printable } from '../terminal/printable.ts';
import { showProgress } from '../terminal/progress.ts';
import { formatSize, shortDigest } from '../terminal/size.ts';
import { table } from '../terminal/table.ts';
import { UsageError } from '../usage-error.ts';

/** Flags of a list. */
export interface ListFlags {
  readonly kind?: 'function' | 'service' | 'application';
  readonly os?: string;
  readonly osVersion?: string;
  readonly tag?: readonly string[];
  readonly page?: string;
  readonly json?: boolean;
}

/** Prints entries that fit. */
export async function printList(client: CloudletClient, words: readonly string[], flags: ListFlags): Promise<void> {
  const { kind, os, osVersion, tag, page = '1', json } = flags;
  if (!/^[1-9]\d{0,5}$/.test(page))
    throw new UsageError(`expected --page with a number from 1, got ${JSON.stringify(page)}`);
  const query = { ...{ kind, os, osVersion, tags: tag }, page: Number(page) };
  const found = await client.store.list(words.length === 0 ? query : { ...query, q: words.join(' ') });
  if (json) return console.log(JSON.stringify(found));
  if (found.entries.length === 0)
    return console.error(
      found.total === 0
        ? 'no entries; offer one with: npx cloudlet store add FILE'
        : `no page ${page}; there are ${found.pages}`,
    );
  const head = ['NAME', 'KIND', 'VERSION', 'FOR', 'SIZE', 'SIGNED BY', 'TITLE'];
  console.log(table([head, ...found.entries.map(row)]).join('\n'));
  if (found.pages > 1)
    console.error(
      `page ${found.page} of ${found.pages}, ${found.total} entries; the next with --page ${found.page + 1}`,
    );
}

function row({ name, kind, version, platforms, bytes, publisher, title }: EntrySummary): string[] {
  const systems = platforms.map(({ os, osVersion }) => (osVersion === null ? os : `${os} ${osVersion}`)).join(', ');
  return [
    name,
    kind,
    printable(version),
    systems || 'any',
    formatSize(bytes),
    publisher?.fingerprint.slice(0, 12) ?? '-',
    oneLine(title),
  ];
}

/** Prints an entry in full. */
export async function printEntry(client: CloudletClient, name: string, json: boolean): Promise<void> {
  const info = await client.store.entry(name);
  if (json) return console.log(JSON.stringify(info));
  for (const line of entryLines(info, client.url)) console.log(line);
}

function entryLines({ manifest, publisher, revision, revisions, page, web, digest }: EntryInfo, url: string): string[] {
  const { title, version, description, tags = [], files = [], homepage } = manifest;
  const facts: (readonly [string, string | null | undefined])[] = [
    ['title', oneLine(title)],
    ['version', `${printable(version)}, revision ${revision} of ${revisions.map((each) => each.revision).join(', ')}`],
    ['digest', digest],
    [
      'signed by',
      publisher === null
        ? 'nobody'
        : `${publisher.fingerprint}${publisher.trusted ? '' : ' (not accepted by the policy)'}`,
    ],
    ['about', description === undefined ? null : printable(description).replaceAll('\n', '\n             ')],
    ['tags', tags.join(', ')],
    ['homepage', homepage],
    ['server', manifest.kind === 'application' ? manifest.server : null],
    ['pages', web === null ? null : `${url}${web}`],
    ['address', `${url}${page}`],
  ];
  const told = facts.flatMap(([key, value]) => (value == null || value === '' ? [] : [`  ${key.padEnd(10)} ${value}`]));
  const rows = files.map(({ name, bytes, mediaType, os = 'any', osVersion = '', digest: of }) => [
    ...[`  ${printable(name)}`, formatSize(bytes), mediaType, `${os} ${osVersion}`.trim(), shortDigest(of)],
  ]);
  return [`${manifest.name}  ${manifest.kind}`, ...told, ...table(rows)];
}

/** Has an entry installed and prints where everything is. */
export async function printInstalled(
  client: CloudletClient,
  name: string,
  json: boolean,
  signal: AbortSignal,
): Promise<void> {
  await haveService(client, name, signal);
  const installed = await client.store.install(name, {}, signal);
  if (json) return console.log(JSON.stringify(installed));
  console.log(`${name}  revision ${installed.revision}`);
  if (installed.server !== null)
    console.log(`  ${installed.server.kind.padEnd(10)} ${client.url}${installed.server.address}`);
  if (installed.web !== null) console.log(`  pages      ${client.url}${installed.web}`);
  for (const file of installed.files)
    console.log(`  file       ${client.url}${file.address}  (${printable(file.name)})`);
}

/** Has the service of an entry there, where it has one, and draws that: the first time may take minutes. */
async function haveService(client: CloudletClient, name: string, signal: AbortSignal): Promise<void> {
  const { manifest } = await client.store.entry(name, signal);
  const server = manifest.kind === 'application' ? manifest.server : name;
  if (server === undefined) return;
  const { kind } = server === name ? manifest : (await client.store.entry(server, signal)).manifest;
  if (kind !== 'service') return;
  const progress = showProgress(server);
  try {
    const { deployment } = await drawnDeployment(
      client.deploy({ want: { store: server } }, { signal }),
      null,
      progress,
    );
    const failure = failureOf(deployment);
    if (failure !== null) throw failure;
  } finally {
    progress.clear();
  }
}

/** Prints the keys that the owner has accepted. */
export async function printKeys(client: CloudletClient, json: boolean): Promise<void> {
  const { policy, publishers } = await client.store.publishers();
  if (json) return console.log(JSON.stringify({ policy, publishers }));
  const meanings = {
    anyone: 'entries of anyone are taken, also unsigned ones',
    accepted: 'only entries that are signed by these keys are taken',
    listed: 'only entries are taken that are signed by keys which the policy file lists; these were accepted before',
  };
  console.error(meanings[policy]);
  const rows = publishers.map(({ fingerprint, acceptedAt, entries }) => [fingerprint, acceptedAt, String(entries)]);
  if (rows.length > 0) console.log(table([['FINGERPRINT', 'ACCEPTED', 'ENTRIES'], ...rows]).join('\n'));
}

function oneLine(text: string): string {
  return printable(text).replace(/\s+/g, ' ');
}
