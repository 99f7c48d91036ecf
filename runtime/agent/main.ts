import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import { socketPort, virtioPort } from './channel-port.ts';
import { serveGuests } from './guest-worker.ts';
import type { WorkerStart } from './worker-message.ts';

/**
 * The agent's program, in a machine or as a process, and the program of its workers.
 * `CLOUDLET_PORT_NAME` names the virtio-serial port of the channel, or `CLOUDLET_CHANNEL_FD` an inherited socket;
 * `CLOUDLET_WORKERS` is how many guests may run at once.
 */
async function main(): Promise<void> {
  const { CLOUDLET_PORT_NAME: name, CLOUDLET_CHANNEL_FD: fd, CLOUDLET_WORKERS: workers } = process.env;
  if (name === undefined && fd === undefined) {
    throw new Error('expected CLOUDLET_PORT_NAME or CLOUDLET_CHANNEL_FD in the environment');
  }
  // Loaded here, because workers run this file too and have no use for the wire's codec.
  const { Agent } = await import('./agent.ts');
  const { BulkDisk } = await import('./bulk-disk.ts');
  const port = name === undefined ? socketPort(Number(fd)) : await virtioPort(name);
  const bulk = name === undefined ? null : BulkDisk.open(BULK_DEVICE);
  await new Agent(port, new URL(import.meta.url), Number(workers ?? DEFAULT_WORKERS), bulk).start();
}

/** The machine's second disk. */
const BULK_DEVICE = '/dev/vdb';

/** Enough to use the waiting of one guest for another, and few enough for a machine of 256 MiB. */
const DEFAULT_WORKERS = 4;

if (isMainThread) await main();
else serveGuests(parentPort!, workerData as WorkerStart);
