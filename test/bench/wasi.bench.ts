import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { guest } from '../support/guest.ts';
import { BODY } from './floor-body.ts';
import type { Benchmark } from './run.ts';
import type { WorkOrder } from './wasi-work.ts';

const WORK = fileURLToPath(new URL('wasi-work.ts', import.meta.url));

const OUTPUT_MIB = 64;
const WARM_MIB = 16;

/** Has the guest write so many MiB; how long it takes until the last byte is here, milliseconds. */
async function readFrom(child: ChildProcess, mebibytes: number): Promise<number> {
  const startedAt = performance.now();
  child.send(mebibytes);
  let left = mebibytes * 2 ** 20;
  for await (const bytes of child.stdout!.iterator({ destroyOnReturn: false })) {
    left -= (bytes as Uint8Array).length;
    if (left <= 0) break;
  }
  return performance.now() - startedAt;
}

/** What one operating system takes for each kind of work, measured in a process of its own whose standard output is read. */
async function measure(order: WorkOrder): Promise<Record<string, number>> {
  const child = fork(WORK, [JSON.stringify(order)], { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] });
  const failed = Promise.withResolvers<never>();
  child.once('exit', (code) => failed.reject(new Error(`the measurement of ${order.which} ended with status ${code}`)));
  try {
    const [found] = await Promise.race([once(child, 'message'), failed.promise]);
    await Promise.race([readFrom(child, WARM_MIB), failed.promise]);
    const outputMs = await Promise.race([readFrom(child, OUTPUT_MIB), failed.promise]);
    return { ...(found as Record<string, number>), stdout_1m_ms: outputMs / OUTPUT_MIB };
  } finally {
    failed.promise.catch(() => {
      // Ended on purpose.
    });
    child.kill();
  }
}

const benchmark: Benchmark = {
  title:
    'our operating system for components beside the stock shim (preview2-shim): clock, chance, files, output, requests, keys',
  async run(say) {
    const scratch = await mkdtemp(join(tmpdir(), 'cloudlet-bench-'));
    try {
      const [work, out, keys] = [await guest('wasi-work'), await guest('wasi-out'), await guest('wasi-keys')];
      const server = createServer((_, response) => response.end(BODY)).listen(0, '127.0.0.1');
      await once(server, 'listening');
      const { port } = server.address() as AddressInfo;
      const order = { components: { work, out, keys }, folder: scratch, port };
      const ours = await measure({ ...order, which: 'ours' });
      const shim = await measure({ ...order, which: 'shim' });
      server.close();
      server.closeAllConnections();
      const figures: Record<string, number | null> = {};
      for (const [name, value] of Object.entries(ours)) {
        const theirs = shim[name];
        say(`${name}: ${value.toFixed(2)}, the shim ${theirs?.toFixed(2) ?? 'has none'}`);
        figures[name] = Number(value.toFixed(2));
        figures[`shim_${name}`] = theirs === undefined ? null : Number(theirs.toFixed(2));
      }
      return {
        accelerator: 'none',
        figures,
        notes: [
          'The same component in C by the same translator, medians of 15 runs after 5; ours may wait in any call (JSPI) and reads what is written out of its memory, the shim blocks its thread and gets copies.',
          'Our files are in memory, those of the shim in a folder; standard output goes through a pipe to a reader.',
          'Requests are one after another to a server in the process of the benchmark; ours pass the checks of a host, in the same process here. Keys are in SQLite.',
        ],
      };
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
  },
};

export default benchmark;
