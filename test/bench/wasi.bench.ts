import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { guest } from '../support/guest.ts';
import { median } from './cloudlet-under-test.ts';
import { BODY } from './floor-body.ts';
import type { Benchmark } from './run.ts';
import { type Piece, TIMES, type WorkDone, type WorkOrder } from './wasi-piece.ts';

const WORK = fileURLToPath(new URL('wasi-work.ts', import.meta.url));
const MIB = 1024 * 1024;

/** A figure: the piece of work behind it, in how many pairs, and its value by the milliseconds of one run. */
interface Figure {
  readonly name: string;
  readonly piece: Piece;
  readonly pairs: number;
  /** By the reader of a pipe; else standard output goes where all is taken at once, and nobody reads. */
  readonly isRead?: true;
  readonly of: (ms: number) => number;
}

const each = (times: number, unitsPerMs: number) => (ms: number) => (ms / times) * unitsPerMs;
const FIGURES: readonly Figure[] = [
  { name: 'clock_ns', piece: 'clock', pairs: 51, of: each(TIMES.clock, 1e6) },
  { name: 'random_1k_us', piece: 'random', pairs: 51, of: each(TIMES.random, 1e3) },
  { name: 'file_write_1m_ms', piece: 'write', pairs: 25, of: (ms) => ms },
  { name: 'file_read_1m_ms', piece: 'read', pairs: 25, of: (ms) => ms },
  { name: 'stdout_1m_ms', piece: 'stdout', pairs: 151, of: (ms) => ms },
  { name: 'stdout_pipe_1m_ms', piece: 'stdout', pairs: 151, isRead: true, of: (ms) => ms },
  { name: 'http_out_rps', piece: 'requests', pairs: 15, of: (ms) => (TIMES.requests / ms) * 1e3 },
  { name: 'kv_get_us', piece: 'keys', pairs: 15, of: each(TIMES.keys, 1e3) },
];

/** Runs that are not counted: code is compiled anew until it is hot. */
const WARM_SHARE = 1 / 3;

/** One operating system in a process of its own. */
class Worker {
  readonly #child: ChildProcess;
  readonly #failed = Promise.withResolvers<never>();
  #left = 0;
  #arrived: (() => void) | null = null;

  private constructor(child: ChildProcess, which: string) {
    this.#child = child;
    this.#failed.promise.catch(() => {
      // Ended on purpose, or told by whoever waits.
    });
    child.once('exit', (code) =>
      this.#failed.reject(new Error(`the measurement of ${which} ended with status ${code}`)),
    );
    child.stdout?.on('data', (bytes: Buffer) => {
      this.#left -= bytes.length;
      if (this.#left === 0) this.#arrived?.();
    });
  }

  /** `stdout` is a file descriptor, or `pipe` to be read here. */
  static async start(order: WorkOrder, stdout: number | 'pipe'): Promise<Worker> {
    const child = fork(WORK, [JSON.stringify(order)], { stdio: ['ignore', stdout, 'inherit', 'ipc'] });
    const worker = new Worker(child, order.which);
    await Promise.race([once(child, 'message'), worker.#failed.promise]);
    return worker;
  }

  /** Milliseconds of one run; of output that is read here, until its last byte came. */
  async run(piece: Piece): Promise<number> {
    this.#left = MIB;
    let endedAt = 0n;
    const arrived = new Promise<void>((resolve) => {
      this.#arrived = () => {
        endedAt = process.hrtime.bigint();
        resolve();
      };
    });
    const answered = once(this.#child, 'message') as Promise<[WorkDone]>;
    this.#child.send(piece);
    const [{ beganAt, ms }] = await Promise.race([answered, this.#failed.promise]);
    if (this.#child.stdout === null) return ms;
    await Promise.race([arrived, this.#failed.promise]);
    return Number(endedAt - BigInt(beganAt)) / 1e6;
  }

  end(): void {
    this.#child.kill();
  }
}

/** The medians of both, run by turns, so that whatever else the computer does falls on both. */
async function paired(ours: Worker, shim: Worker | null, { piece, pairs }: Figure): Promise<[number, number | null]> {
  const times: [number[], number[]] = [[], []];
  for (let pair = -Math.ceil(pairs * WARM_SHARE); pair < pairs; pair += 1) {
    const a = await ours.run(piece);
    const b = await shim?.run(piece);
    if (pair < 0) continue;
    times[0].push(a);
    if (b !== undefined) times[1].push(b);
  }
  return [median(times[0]), shim === null ? null : median(times[1])];
}

const benchmark: Benchmark = {
  title:
    'our operating system for components beside the stock shim (preview2-shim): clock, chance, files, output, requests, keys',
  async run(say) {
    const scratch = await mkdtemp(join(tmpdir(), 'cloudlet-bench-'));
    const server = createServer((_, response) => response.end(BODY));
    const sink = await open('/dev/null', 'w');
    const workers: Worker[] = [];
    try {
      await once(server.listen(0, '127.0.0.1'), 'listening');
      const { port } = server.address() as AddressInfo;
      const [work, out, keys] = [await guest('wasi-work'), await guest('wasi-out'), await guest('wasi-keys')];
      const order = (which: 'ours' | 'shim', folder: string): WorkOrder => {
        return { which, components: { work, out, keys }, folder: join(scratch, folder), port };
      };
      const start = async (which: 'ours' | 'shim', stdout: number | 'pipe'): Promise<Worker> => {
        const worker = await Worker.start(order(which, `${which}-${stdout}`), stdout);
        workers.push(worker);
        return worker;
      };
      const alone = [await start('ours', sink.fd), await start('shim', sink.fd)] as const;
      const read = [await start('ours', 'pipe'), await start('shim', 'pipe')] as const;
      const figures: Record<string, number | null> = {};
      for (const figure of FIGURES) {
        const [ours, shim] = figure.isRead === true ? read : alone;
        const [mine, theirs] = await paired(ours, figure.piece === 'keys' ? null : shim, figure);
        const [value, other] = [figure.of(mine), theirs === null ? null : figure.of(theirs)];
        say(`${figure.name}: ${value.toFixed(3)}, the shim ${other?.toFixed(3) ?? 'has none'}`);
        figures[figure.name] = Number(value.toFixed(3));
        figures[`shim_${figure.name}`] = other === null ? null : Number(other.toFixed(3));
      }
      return {
        accelerator: 'none',
        figures,
        notes: [
          'The same component in C by the same translator, each system in a process of its own, run by turns; medians of the pairs that follow a third as many. Ours may wait in its output and requests (JSPI) and reads what is written out of its memory, the shim blocks its thread and gets copies.',
          'Our files are in memory, those of the shim in a folder. Standard output goes to /dev/null, until all has left the process; "pipe" is until a reader in the process of the benchmark has it all, which takes most of that. The shim waits for no reader: it keeps what that has not taken.',
          'Requests are one after another to a server in the process of the benchmark; ours pass the checks of a host, in the same process here. Keys are in SQLite.',
        ],
      };
    } finally {
      for (const worker of workers) worker.end();
      await sink.close();
      server.close();
      server.closeAllConnections();
      await rm(scratch, { recursive: true, force: true });
    }
  },
};

export default benchmark;
