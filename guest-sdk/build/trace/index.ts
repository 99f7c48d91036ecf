/** Runs a component with a recording host on this computer, and writes the grant that it needs. */
export { compareTrace, type TraceComparison } from './compare-trace.ts';
export { openDoor, type TraceDoor, type TracedRequest, traceRequest } from './door.ts';
export type { CopiedFile } from './file-grants.ts';
export { grantOfTrace, type TracedGrant } from './grant-of-trace.ts';
export { openTrace, type Trace, type TraceOptions, traceFolder } from './open-trace.ts';
export { describeChanges, type KeyChange } from './project-text.ts';
export { mergeTraces, readTrace, resetTrace, TRACE_FILE, TraceRecord, writeTrace } from './trace-record.ts';
export type { TracedDirectory } from './traced-files.ts';
export { type GrantPlan, planGrant } from './write-grant.ts';
