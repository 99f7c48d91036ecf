import { readdirSync, readFileSync } from 'node:fs';

/**
 * Processor time that a process and those it started have used so far, nanoseconds: what a request costs, whatever else the
 * computer does meanwhile.
 */
export function processorNs(pid: number): { readonly own: number; readonly started: number } {
  const parents = parentsOf();
  const started = [...parents.keys()].filter((each) => isBelow(each, pid, parents));
  return { own: nsOf(pid), started: started.reduce((sum, each) => sum + nsOf(each), 0) };
}

function isBelow(pid: number, ancestor: number, parents: ReadonlyMap<number, number>): boolean {
  for (let at = parents.get(pid); at !== undefined && at > 1; at = parents.get(at)) if (at === ancestor) return true;
  return false;
}

function parentsOf(): Map<number, number> {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    // The name of the program, in parentheses, may hold anything.
    const fields = read(`/proc/${name}/stat`)
      .replace(/^.*\) /s, '')
      .split(' ');
    if (fields.length > 1) parents.set(Number(name), Number(fields[1]));
  }
  return parents;
}

function nsOf(pid: number): number {
  let threads: string[];
  try {
    threads = readdirSync(`/proc/${pid}/task`);
  } catch {
    // It has ended, and takes what it used with it.
    return 0;
  }
  return threads.reduce((sum, thread) => sum + Number(read(`/proc/${pid}/task/${thread}/schedstat`).split(' ')[0]), 0);
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // It has ended between the listing and now.
    return '';
  }
}
