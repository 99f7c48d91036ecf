import { parseDigest } from '../../guest-sdk/protocol/index.ts';
import type { RegisteredVersion } from './registered.ts';

/** A row of `functions`. */
export interface FunctionRow {
  readonly name: string;
  readonly current: number;
  readonly next: number;
}

/** A row of `versions`. */
export interface VersionRow {
  readonly version: number;
  readonly digest: string;
  readonly size_bytes: number;
  readonly published_at: string;
  readonly description: string;
  readonly package: string | null;
}

/** A row as the version that it is. */
export function asVersion(row: VersionRow): RegisteredVersion {
  return {
    version: row.version,
    digest: parseDigest(row.digest),
    sizeBytes: row.size_bytes,
    publishedAt: row.published_at,
    description: row.description,
    package: row.package,
  };
}
