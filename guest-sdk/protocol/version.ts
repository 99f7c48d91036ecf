/**
 * Versions of a function as they cross HTTP: which there are, which take calls, and what differs between two.
 */
import * as v from 'valibot';
import { Door, ExportInfo, VersionInfo } from './api.ts';
import { FunctionPublisher } from './function-publisher.ts';
import { Grant } from './grant/index.ts';
import { TrafficSplit } from './traffic-split.ts';

/** What `PUT /v1/functions/{name}/split` takes: shares, or null for all to the current version. */
export const SplitRequest = v.strictObject({ split: v.nullable(TrafficSplit) });

/** What `PUT /v1/functions/{name}/retain` takes: how many versions are kept, or null for as many as the host says. */
export const RetainRequest = v.strictObject({
  versions: v.nullable(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1000))),
});

/** One version in a list. */
export const ListedVersion = v.object({
  ...VersionInfo.entries,
  /** Whether calls go to it where they are not shared out. */
  current: v.boolean(),
  /** Its share of the calls, percent. */
  percent: v.number(),
  /** As that of a function. */
  state: v.picklist(['cold', 'starting', 'ready', 'failed']),
  /** Who signed it; null: nobody did. */
  publisher: v.nullable(FunctionPublisher),
});
export type ListedVersion = v.InferOutput<typeof ListedVersion>;

/** The versions of a function, newest first. */
export const VersionList = v.object({
  name: v.string(),
  versions: v.array(ListedVersion),
  /** How calls are shared out; null: all to the current one. */
  split: v.nullable(TrafficSplit),
  /** How many are kept at most; those that take calls are kept beside. */
  retain: v.number(),
});
export type VersionList = v.InferOutput<typeof VersionList>;

/** A file that a version carries. */
export const VersionFile = v.object({ path: v.string(), bytes: v.number(), digest: v.string() });
export type VersionFile = v.InferOutput<typeof VersionFile>;

/** All that is compared of a version. */
export const DescribedVersion = v.object({
  digest: v.string(),
  sizeBytes: v.number(),
  doors: v.array(Door),
  exports: v.array(ExportInfo),
  imports: v.array(v.string()),
  grant: Grant,
  files: v.array(VersionFile),
});
export type DescribedVersion = v.InferOutput<typeof DescribedVersion>;

/** Something that both have, but not the same. */
const Changed = v.object({ name: v.string(), before: v.string(), after: v.string() });

/** What was added, removed and changed. */
const Changes = v.object({ added: v.array(v.string()), removed: v.array(v.string()), changed: v.array(Changed) });
export type Changes = v.InferOutput<typeof Changes>;

/** What differs between two versions. */
export const VersionDiff = v.object({
  name: v.string(),
  /** Version numbers; null: a file that is not published. */
  from: v.nullable(v.number()),
  to: v.nullable(v.number()),
  digest: v.object({ before: v.string(), after: v.string() }),
  sizeBytes: v.object({ before: v.number(), after: v.number() }),
  /** Doors by name, exports by their signatures. */
  doors: Changes,
  exports: Changes,
  imports: Changes,
  /** What is granted, as sentences. */
  grant: Changes,
  /** Files by path; what changed has sizes. */
  files: Changes,
  /** Why callers of the first would fail at the second, one sentence each; empty: none would. */
  breaks: v.array(v.string()),
});
export type VersionDiff = v.InferOutput<typeof VersionDiff>;
