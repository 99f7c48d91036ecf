import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** What V8 did in a program. */
export interface Collections {
  /** Times that old objects were collected. */
  readonly old: number;
  /** Times that young ones were while old ones were marked. */
  readonly meanwhile: number;
  /** Times what lived to which old objects were allowed to grow each time: `5.0`. */
  readonly factors: readonly string[];
}

/** Keeps some 10 MiB, and makes much that is garbage at once and some that becomes old first. */
const PROGRAM = `
  const kept = Array.from({ length: 80_000 }, (_, at) => ({ at, more: [at, { at }] }));
  const last = [];
  for (let at = 0; at < 40_000; at += 1) {
    for (let more = 0; more < 60; more += 1) last[(at * 60 + more) % 6_000] = { at, more: [at, { at }] };
    for (let less = 0; less < 300; less += 1) kept[at] = { at, more: [less] };
    await new Promise(setImmediate);
  }`;

const TRACES = ['--trace-gc', '--trace-gc-verbose', '--trace-incremental-marking', '--input-type=module'];

/** Runs a program that makes garbage, behind `first`, by a Node with these flags. */
export async function collectionsOf(flags: readonly string[], first = ''): Promise<Collections> {
  const args = [...flags, ...TRACES, '-e', `${first}${PROGRAM}`];
  const { stdout } = await promisify(execFile)(process.execPath, args, { maxBuffer: 256 * 2 ** 20 });
  let [old, meanwhile, marks] = [0, 0, false];
  const factors: string[] = [];
  for (const line of stdout.split('\n')) {
    const factor = /\[HeapController\] factor ([\d.]+)/.exec(line)?.[1];
    if (factor !== undefined) factors.push(factor);
    if (line.includes('Start marking')) marks = true;
    else if (line.includes(' Mark-Compact ')) [old, marks] = [old + 1, false];
    else if (marks && line.includes(' Scavenge ')) meanwhile += 1;
  }
  return { old, meanwhile, factors };
}
