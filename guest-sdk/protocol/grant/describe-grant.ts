import type { Grant } from './grant.ts';

/** A grant as lines for people, of what is granted only: what it is, and how much of it. Values of the environment are not in it. */
export function describeGrant(grant: Grant): readonly (readonly [what: string, text: string])[] {
  const { limits, sockets, stores } = grant;
  const names = (table: Grant['environment']) =>
    Object.entries(table).map(([key, value]) => (typeof value === 'string' ? key : `${key} (secret ${value.secret})`));
  const hosts = [
    ...sockets.tcp.map((host) => `tcp ${host}`),
    ...sockets.udp.map((host) => `udp ${host}`),
    ...(sockets.lookup ? ['name lookup'] : []),
    ...(sockets.listen ? ['listening'] : []),
  ];
  const lists: readonly (readonly [string, readonly string[]])[] = [
    ['environment', names(grant.environment)],
    ['arguments', grant.arguments.map((word) => JSON.stringify(word))],
    ['configuration', names(grant.configuration)],
    ['secrets', grant.secrets],
    ['files', grant.files.map(({ path, from }) => `${path} (${from})`)],
    ['scratch', grant.scratch.map(({ path, bytes }) => `${path} (${formatBytes(bytes)})`)],
    ['http', grant.http],
    ['sockets', hosts],
    [
      'stores',
      [
        ...(stores.keyvalue === null ? [] : [`key-value (${formatBytes(stores.keyvalue.bytes)})`]),
        ...(stores.blobs === null ? [] : [`blobs (${formatBytes(stores.blobs.bytes)})`]),
      ],
    ],
  ];
  return [
    ['limits', `memory ${limits.memoryMib} MiB, deadline ${limits.deadlineMs} ms, ${limits.concurrency} at once`],
    ...lists.filter(([, items]) => items.length > 0).map(([what, items]) => [what, items.join(', ')] as const),
  ];
}

function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  const [value, unit] =
    bytes < 1024 ** 2
      ? [bytes / 1024, 'KiB']
      : bytes < 1024 ** 3
        ? [bytes / 1024 ** 2, 'MiB']
        : [bytes / 1024 ** 3, 'GiB'];
  return `${Number.isInteger(value) ? value : value.toFixed(1)} ${unit}`;
}
