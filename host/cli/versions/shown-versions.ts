import type { Changes, VersionDiff, VersionList } from '../../../guest-sdk/protocol/index.ts';
import { formatAge } from '../terminal/age.ts';
import { printable } from '../terminal/printable.ts';
import { formatSize, shortDigest } from '../terminal/size.ts';
import { table } from '../terminal/table.ts';

/** The versions of a function as a table, and how calls are shared out. */
export function shownVersions({ versions, split, retain }: VersionList, nowMs: number): string[] {
  const rows = versions.map((each) => [
    `${each.version}${each.current ? ' *' : ''}`,
    `${each.percent} %`,
    each.state,
    formatSize(each.sizeBytes),
    `${formatAge(nowMs - Date.parse(each.publishedAt))} ago`,
    each.publisher === null ? '-' : each.publisher.fingerprint.slice(0, 12),
    shortDigest(each.digest),
  ]);
  return [
    ...table([['VERSION', 'CALLS', 'STATE', 'SIZE', 'PUBLISHED', 'PUBLISHER', 'DIGEST'], ...rows]),
    ...(split?.sticky === undefined ? [] : [`a caller stays at its version by ${split.sticky.replace(':', ' ')}`]),
    `* current; ${retain} are kept, and those that calls go to`,
  ];
}

/** What differs, as lines with `+`, `-` and `~`. */
export function shownDiff(diff: VersionDiff): string[] {
  const { from, to, digest, sizeBytes, breaks } = diff;
  const named = (version: number | null) => (version === null ? 'the file' : `version ${version}`);
  const more = sizeBytes.after - sizeBytes.before;
  return [
    `${diff.name}  ${named(from)} → ${named(to)}`,
    `  digest   ${shortDigest(digest.before)} → ${digest.before === digest.after ? 'the same' : shortDigest(digest.after)}`,
    `  size     ${formatSize(sizeBytes.before)} → ${formatSize(sizeBytes.after)} (${more < 0 ? '-' : '+'}${formatSize(Math.abs(more))})`,
    ...(['doors', 'exports', 'imports', 'grant', 'files'] as const).flatMap((what) => section(what, diff[what])),
    ...(breaks.length === 0
      ? ['  callers  none would fail']
      : ['  callers  would fail:', ...breaks.map((why) => `    ${printable(why)}`)]),
  ];
}

function section(title: string, { added, removed, changed }: Changes): string[] {
  const lines = [
    ...added.map((each) => `+ ${each}`),
    ...removed.map((each) => `- ${each}`),
    ...changed.flatMap(({ name, before, after }) =>
      title === 'exports' ? [`- ${before}`, `+ ${after}`] : [`~ ${name}: ${before} → ${after}`],
    ),
  ];
  return lines.length === 0 ? [] : [`  ${title}`, ...lines.map((line) => `    ${printable(line)}`)];
}
