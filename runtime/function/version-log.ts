import type { LogLine } from '../../guest-sdk/protocol/index.ts';
import type { DataDir } from '../store/index.ts';
import type { FunctionLogs } from './function-logs.ts';
import { isPublished, parseVersionId } from './function-version.ts';

/** Takes a line of a version, named by its pool id, for its function's log. */
export type VersionLog = (id: string, line: Omit<LogLine, 'at' | 'seq' | 'version'>) => void;

/** The logs of functions for what versions write: nothing of one that was removed, whose name, and log, may be another's by now. */
export function versionLog(logs: FunctionLogs, data: Pick<DataDir, 'registry'>): VersionLog {
  return (id, line) => {
    const { name, version } = parseVersionId(id);
    if (isPublished(data, id)) logs.add(name, { ...line, version });
  };
}
