import { createInterface } from 'node:readline/promises';
import { describeChanges, type GrantPlan, type TraceRecord } from '../../../guest-sdk/build/index.ts';
import { printable } from '../terminal/printable.ts';
import { formatSize } from '../terminal/size.ts';

/** How what was seen is told, and whether it is written. */
export interface ShowSettings {
  readonly json?: boolean;
  readonly write?: boolean;
  /** The run failed: nothing is written unless that was asked for. */
  readonly failed: boolean;
}

/** Says what was seen and which grant it needs, and writes that: when asked for, or allowed by whoever sits at the terminal. */
export async function showTrace(plan: GrantPlan, record: TraceRecord, settings: ShowSettings): Promise<void> {
  const { path, changes, traced } = plan;
  const say = (line: string) => console.error(printable(line));
  if (settings.json !== true) for (const line of summary(record)) say(line);
  for (const note of traced.notes) say(note);
  for (const { source, target } of traced.copies) say(`copies ${source} to ${target}`);
  const nothing = changes.length === 0 && traced.copies.length === 0;
  if (nothing) say(`${path} grants exactly this`);
  else if (settings.json !== true) for (const line of [`${path}:`, ...describeChanges(changes)]) say(line);
  const isWritten = !nothing && (settings.write === true || (await isAllowed(path, settings)));
  if (isWritten) await plan.write();
  if (isWritten) say(`wrote ${path}`);
  else if (!nothing) say('not written; --write writes it');
  if (settings.json === true) {
    const { grant, notes, copies } = traced;
    console.log(JSON.stringify({ use: record.use, grant, changes, notes, copies, path, written: isWritten }));
  }
}

function summary({ use }: TraceRecord): string[] {
  const { files, most, stores } = use;
  const counted = (list: readonly unknown[], what: string) => (list.length === 0 ? [] : [`${list.length} ${what}`]);
  const seen = [
    ...counted(files.read, 'files read'),
    ...counted(files.written, 'paths written'),
    ...(use.environment ? ['the environment'] : []),
    ...use.http.map(({ host, methods }) => `http ${host} (${methods.join(', ')})`),
    ...use.sockets.tcp.map((host) => `tcp ${host}`),
    ...use.sockets.udp.map((host) => `udp ${host}`),
    ...(stores.keyvalueBytes === null ? [] : [`keys and values of ${formatSize(stores.keyvalueBytes)}`]),
    ...(stores.blobBytes === null ? [] : [`objects of ${formatSize(stores.blobBytes)}`]),
  ];
  const times = `${Math.round(most.wallMs)} ms, ${Math.round(most.cpuMs)} ms of processor`;
  return [
    `used: ${seen.length === 0 ? 'nothing that needs a grant' : seen.join(', ')}`,
    `most: ${formatSize(most.memoryBytes)} of memory, ${formatSize(most.scratchBytes)} of scratch, ${times}; ${use.invocations} invocations, ${most.atOnce} at once`,
  ];
}

async function isAllowed(path: string, { json, failed }: ShowSettings): Promise<boolean> {
  if (json === true || failed || !process.stdin.isTTY || !process.stderr.isTTY) return false;
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await lines.question(`write this to ${path}? [y/N] `)).trim());
  } finally {
    lines.close();
  }
}
