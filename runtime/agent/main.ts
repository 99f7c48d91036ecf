import { setFlagsFromString } from 'node:v8';
import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import { openPortBehind, socketPort, virtioPort } from './channel-port.ts';
import { collectSeldom } from './collection-flags.ts';
import { serveGuests } from './guest-worker.ts';
import type { OpenLine, WorkerStart } from './worker-message.ts';

/** The machine's second disk. */
const BULK_DEVICE = '/dev/vdb';

/** Between the agent's port and the first worker's there is that of the machine's kernel. */
const PORTS_BEFORE_LINES = 2;

/** Enough to use the waiting of one guest for another, and few enough for a machine of 256 MiB. */
const DEFAULT_WORKERS = 4;

/**
 * The agent's program, in a machine or as a process, and the program of its workers.
 * `CLOUDLET_PORT_NAME` names the virtio-serial port of the channel, behind which are those of the lines; or `CLOUDLET_CHANNEL_FD` is an
 * inherited socket, behind which are `CLOUDLET_LINES` more. `CLOUDLET_WORKERS` is how many guests may run at once.
 */
async function main(): Promise<void> {
  const { CLOUDLET_PORT_NAME: name, CLOUDLET_CHANNEL_FD: fd, CLOUDLET_LINES: lines } = process.env;
  if (name === undefined && fd === undefined) {
    throw new Error('expected CLOUDLET_PORT_NAME or CLOUDLET_CHANNEL_FD in the environment');
  }
  collectSeldom();
  // A machine becomes a snapshot: the engine learns of shapes in a function's first calls, not from the eighth on, which would be in each clone.
  if (name !== undefined) setFlagsFromString('--no-lazy-feedback-allocation');
  const workers = Number(process.env['CLOUDLET_WORKERS'] ?? DEFAULT_WORKERS);
  // Loaded here, because workers run this file too and have no use for it.
  const { Agent } = await import('./agent.ts');
  const { BulkDisk } = await import('./bulk-disk.ts');
  const agent =
    name === undefined
      ? new Agent({
          port: socketPort(Number(fd)),
          openLine: inheritedLines(Number(fd) + 1, workers, Number(lines)),
          ...{ workers, bulk: null },
        })
      : new Agent({
          port: virtioPort(name),
          openLine: (worker) => ({
            ...{ line: worker, kind: 'port', bulkDevice: BULK_DEVICE },
            fd: openPortBehind(name, PORTS_BEFORE_LINES + worker),
          }),
          ...{ workers, bulk: BulkDisk.open(BULK_DEVICE, 0) },
        });
  await agent.start(new URL(import.meta.url));
}

/** Each worker has the socket of its number, and a successor one that nobody had: a socket is closed with the worker that read it. */
function inheritedLines(first: number, workers: number, lines: number): (worker: number) => OpenLine {
  const used = new Set<number>();
  let spare = workers;
  return (worker) => {
    const line = used.has(worker) ? spare++ : worker;
    if (line >= lines) throw new Error(`${lines - workers} workers were lost, and there are no more lines`);
    used.add(line);
    return { line, fd: first + line, kind: 'socket', bulkDevice: null };
  };
}

if (isMainThread) await main();
else serveGuests(parentPort!, workerData as WorkerStart);
