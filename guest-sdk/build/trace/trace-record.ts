import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as v from 'valibot';
import { CloudletError, mergeUse, NO_USE, strictParse, Use } from '../../protocol/index.ts';

/** Where a project keeps what its traces saw, below its folder. */
export const TRACE_FILE = '.cloudlet/trace.json';

/** What traces of one project saw. */
export const TraceRecord = v.strictObject({
  format: v.literal(1),
  use: Use,
  /** Where the files that were read came from, by the path under which the guest read them: below the project's folder, or absolute. */
  sources: v.record(v.string(), v.string()),
  /** Those files, in the order in which they were read first; older records do not say. */
  readOrder: v.optional(v.array(v.string()), []),
  /** Variables that were given, whose names the component holds, if it read the environment. */
  environment: v.record(v.string(), v.string()),
  /** The same of variables whose values are secret: which secret. */
  secrets: v.record(v.string(), v.string()),
  /** Variables that were given and whose names the component does not hold. */
  unknownVariables: v.array(v.string()),
});
export type TraceRecord = v.InferOutput<typeof TraceRecord>;

/** A record of no run. */
export const NO_TRACE: TraceRecord = {
  format: 1,
  use: NO_USE,
  sources: {},
  readOrder: [],
  environment: {},
  secrets: {},
  unknownVariables: [],
};

/** What either saw. Of two values for one name the first in the order of texts stays, so that no order of runs makes another grant. */
export function mergeTraces(a: TraceRecord, b: TraceRecord): TraceRecord {
  const environment = mergeTexts(a.environment, b.environment);
  const secrets = mergeTexts(a.secrets, b.secrets);
  const unknown = new Set([...a.unknownVariables, ...b.unknownVariables]);
  for (const known of [...Object.keys(environment), ...Object.keys(secrets)]) unknown.delete(known);
  return {
    format: 1,
    use: mergeUse(a.use, b.use),
    sources: mergeTexts(a.sources, b.sources),
    readOrder: mergeOrders(a.readOrder, b.readOrder),
    environment,
    secrets,
    unknownVariables: [...unknown].sort(),
  };
}

/** The record that a project keeps; null when there is none. `project-invalid` for one that cannot be read, with what to do. */
export async function readTrace(folder: string): Promise<TraceRecord | null> {
  const path = join(folder, TRACE_FILE);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw unreadable(path, error);
  }
  try {
    return strictParse(TraceRecord, JSON.parse(text), path, 'project-invalid');
  } catch (error) {
    throw unreadable(path, error);
  }
}

/** Keeps a record in a project; it appears whole or not at all. */
export async function writeTrace(folder: string, record: TraceRecord): Promise<void> {
  const path = join(folder, TRACE_FILE);
  await mkdir(dirname(path), { recursive: true });
  const partial = `${path}.${process.pid}.partial`;
  try {
    await writeFile(partial, `${JSON.stringify(record, null, 2)}\n`);
    await rename(partial, path);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}

/** Forgets what traces of a project saw. */
export async function resetTrace(folder: string): Promise<void> {
  await rm(join(folder, TRACE_FILE), { force: true });
}

/** First what was early in either. */
function mergeOrders(a: readonly string[], b: readonly string[]): string[] {
  const places = new Map<string, number>();
  for (const order of [a, b])
    for (const [at, path] of order.entries()) places.set(path, Math.min(at, places.get(path) ?? at));
  return [...places].sort(([one, at], [other, to]) => at - to || (one < other ? -1 : 1)).map(([path]) => path);
}

function mergeTexts(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): Record<string, string> {
  const merged = new Map(Object.entries(a));
  for (const [key, value] of Object.entries(b)) {
    const other = merged.get(key);
    merged.set(key, other === undefined || value < other ? value : other);
  }
  return Object.fromEntries([...merged].sort(([one], [other]) => (one < other ? -1 : 1)));
}

function unreadable(path: string, cause: unknown): CloudletError {
  return new CloudletError(
    'project-invalid',
    `expected what traces saw in ${path}, which cannot be read (${(cause as Error).message}); forget it with: npx cloudlet trace --reset`,
    { cause },
  );
}
