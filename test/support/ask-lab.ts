/**
 * Guests in TypeScript that ask their host over a real line: both ends of it are the real ones, and between them a worker runs what a test says.
 */
import type { Socket } from 'node:net';
import { AskIds, type AskIds as Ids, InvocationAsks } from '../../runtime/agent/outside/invocation-asks.ts';
import type { Outside } from '../../runtime/agent/outside/outside.ts';
import {
  type DoneMessage,
  encodeFrame,
  encodeMessage,
  FIRST_EPOCH,
  FrameReader,
  isAskId,
  WIRE_VERSION,
} from '../../runtime/agent/wire.ts';
import { WorkerLine } from '../../runtime/agent/worker-line.ts';
import type { OutsideServices } from '../../runtime/outside/outside-service.ts';
import type { Call } from '../../runtime/sandbox/channel/call.ts';
import { Channel } from '../../runtime/sandbox/channel/channel.ts';
import { RUN } from './pool-lab.ts';
import { socketPair } from './socket-pair.ts';

/** What a guest of a test does. */
export type AskingGuest = (outside: Outside) => unknown;

/** A machine with one worker, and its host. */
export class AskLab {
  readonly channel: Channel;
  /** Services that failed in a way that is no refusal. */
  readonly failures: string[] = [];
  /** What the host says in the function's log. */
  readonly log: string[] = [];
  /** What the present guest has asked, from inside. */
  asks: InvocationAsks | null = null;
  readonly #sockets: readonly Socket[];
  readonly #line: WorkerLine;
  readonly #ids: Ids = new AskIds();
  readonly #guests: AskingGuest[] = [];
  #running = 0;

  private constructor(near: Socket, far: Socket, line: Socket, farLine: Socket) {
    this.#sockets = [near, far, line, farLine];
    this.channel = new Channel({ channel: near, lines: [line] });
    far.write(encodeFrame('ready', 0, encodeMessage({ wire: WIRE_VERSION, node: process.version, workers: 1 })));
    const start = { line: 0, fd: -1, kind: 'socket', bulkDevice: null, epoch: FIRST_EPOCH } as const;
    this.#line = new WorkerLine(
      { ...start, cell: new SharedArrayBuffer(12) },
      {
        grant: () => {},
        invoke: ({ id }) => void this.#run(id),
        tell: (id, message) => {
          if (isAskId(id)) this.asks?.take(id, message);
        },
      },
      { start: (take) => void farLine.on('data', take), write: (bytes) => void farLine.write(new Uint8Array(bytes)) },
    );
    this.#line.open();
    const reader = new FrameReader();
    far.on('data', (bytes) => {
      for (const { kind, id, payload } of reader.push(bytes)) {
        if (kind === 'ping') far.write(encodeFrame('pong', id, payload));
        if (kind === 'cancel') this.#end(id, { kind: 'failed', code: 'client-closed', detail: 'cancelled', runMs: 0 });
      }
    });
  }

  static async open(): Promise<AskLab> {
    return new AskLab(...(await socketPair()), ...(await socketPair()));
  }

  /** Runs a guest for an invocation that may ask `services`; null: one to which nothing was given, such as a rehearsal. */
  invoke(services: OutsideServices | null, guest: AskingGuest): Call {
    this.#guests.push(guest);
    const failed = (service: string, error: unknown) =>
      void this.failures.push(`${service}: ${(error as Error).message}`);
    const outside = services === null ? undefined : { services, failed };
    return this.channel.invoke(RUN, new Uint8Array(0), 60_000, ({ text }) => this.log.push(text), outside);
  }

  /** Runs a guest to its end. */
  async run(services: OutsideServices | null, guest: AskingGuest): Promise<void> {
    await this.invoke(services, guest).done;
  }

  close(): void {
    this.channel.close('the test is over');
    for (const socket of this.#sockets) socket.destroy();
  }

  async #run(id: number): Promise<void> {
    const asks = new InvocationAsks(id, this.#ids, (message) => this.#line.post(message));
    this.asks = asks;
    this.#running = id;
    try {
      await this.#guests.shift()!(asks);
      this.#end(id, { kind: 'ok', exitCode: 0, runMs: 0 });
    } catch (error) {
      this.#end(id, { kind: 'failed', code: 'guest-trapped', detail: String((error as Error).message), runMs: 0 });
    }
  }

  #end(id: number, done: DoneMessage): void {
    if (this.#running !== id) return;
    this.#running = 0;
    this.asks?.close();
    this.#line.post({ kind: 'done', id, done });
  }
}
