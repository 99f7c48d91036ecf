import { describeGrant, type Grant } from './grant/index.ts';
import type { Changes, DescribedVersion, VersionDiff } from './version.ts';

/** Which versions are compared: numbers, or null for what is not published. */
export interface ComparedVersions {
  readonly name: string;
  readonly from: number | null;
  readonly to: number | null;
}

/** What differs between two versions, and whether callers of the first would fail at the second. */
export function compareVersions(
  compared: ComparedVersions,
  before: DescribedVersion,
  after: DescribedVersion,
): VersionDiff {
  const exports = changesOf(
    before.exports.map(({ name, signature }) => [name, signature]),
    after.exports.map(({ name, signature }) => [name, signature]),
    (_, signature) => signature,
  );
  const doors = changesOf(before.doors.map(itself), after.doors.map(itself));
  return {
    ...compared,
    digest: { before: before.digest, after: after.digest },
    sizeBytes: { before: before.sizeBytes, after: after.sizeBytes },
    doors,
    exports,
    imports: changesOf(before.imports.map(itself), after.imports.map(itself)),
    grant: grantChanges(before.grant, after.grant),
    files: changesOf(before.files.map(fileOf), after.files.map(fileOf)),
    breaks: [
      // One whose every export went has lost the door with them: said once.
      ...doors.removed.filter((door) => door !== 'call').map((door) => `it no longer offers "${door}"`),
      ...exports.removed.map((signature) => `${signature} is gone`),
      ...exports.changed.map(({ name, before: was, after: is }) => `${name} was ${was}, is ${is}`),
    ],
  };
}

/** What is described of values, such as those of variables, are their names: that these have others is said without them. */
function grantChanges(before: Grant, after: Grant): Changes {
  const changes = changesOf(describeGrant(before), describeGrant(after), (what, text) => `${what}: ${text}`);
  const described = changes.added.length + changes.removed.length + changes.changed.length;
  if (described > 0 || JSON.stringify(before) === JSON.stringify(after)) return changes;
  return { ...changes, changed: [{ name: 'values', before: 'some', after: 'others, under the same names' }] };
}

type Named = readonly [name: string, value: string];

const itself = (name: string): Named => [name, name];

const fileOf = ({ path, bytes, digest }: DescribedVersion['files'][number]): Named => [
  path,
  `${bytes} bytes, ${digest}`,
];

/** What is in one list and not in the other, and what has another value under the same name. */
function changesOf(
  before: readonly Named[],
  after: readonly Named[],
  shown: (name: string, value: string) => string = (name) => name,
): Changes {
  const [was, is] = [new Map(before), new Map(after)];
  return {
    added: after.filter(([name]) => !was.has(name)).map(([name, value]) => shown(name, value)),
    removed: before.filter(([name]) => !is.has(name)).map(([name, value]) => shown(name, value)),
    changed: before.flatMap(([name, value]) => {
      const now = is.get(name);
      return now === undefined || now === value ? [] : [{ name, before: value, after: now }];
    }),
  };
}
