import type { Duplex } from 'node:stream';
import { CloudletError } from '../../../guest-sdk/protocol/index.ts';
import { unlessAborted } from '../../machine/index.ts';
import type { Relay, RelayJob } from '../vm.ts';
import type { RelayStream, StreamWire } from './relay-stream.ts';
import { StreamTable } from './stream-table.ts';
import {
  encodeCommand,
  encodeFrame,
  encodeNumber,
  MAX_PAYLOAD_BYTES,
  numberOf,
  type RelayFrame,
  RelayFrameReader,
  WIRE_VERSION,
} from './wire.ts';

/**
 * Zeros for a stream that there never is, which the relay drops. The guest's kernel keeps a page for each of 1024 pieces that came over the port last: 4 MiB of
 * what was installed, which would be in every overlay.
 */
const BLANK = encodeFrame('data', 0x7fff_ffff, new Uint8Array(MAX_PAYLOAD_BYTES));
const BLANK_BYTES = 5 * 1024 * 1024;

/** How long connections into a VM that is to be still may take to end. */
const SETTLE_MS = 5_000;

/** How long a guest may take to write its files, give back what is free and say that it is still. Under emulation, on a busy computer. */
const QUIET_MS = 120_000;

/**
 * The host's end of a relay's port. What comes is hostile: whatever is against the protocol breaks the connection, and who gave `broken`
 * ends the VM.
 */
export class RelayConnection implements Relay {
  readonly #port: Duplex;
  readonly #broken: (reason: string) => void;
  readonly #reader = new RelayFrameReader();
  readonly #streams = new StreamTable((id) => this.#wireOf(id));
  readonly #ready = Promise.withResolvers<void>();
  #isReady = false;
  #quiet: PromiseWithResolvers<void> | null = null;
  #accept: ((connection: Duplex) => void) | null = null;
  /** Why nothing goes over it any more. */
  #ended: CloudletError | null = null;

  /** Takes over the port of a VM that starts, and tells the relay that there is a new host. */
  constructor(port: Duplex, broken: (reason: string) => void) {
    this.#port = port;
    this.#broken = broken;
    this.#ready.promise.catch(() => undefined);
    port.on('data', (bytes: Uint8Array) => this.#take(bytes));
    port.on('error', () => undefined); // 'close' tells.
    port.on('close', () => this.#end('the VM ended'));
    // Each stream may wait until there is room.
    port.setMaxListeners(0);
    this.#send(encodeNumber('reset', 0, WIRE_VERSION));
  }

  /** Resolves when the relay has answered that it serves this host. */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  async connect(port: number, signal?: AbortSignal): Promise<Duplex> {
    const { id, stream, answer } = this.#open('connecting', signal);
    this.#send(encodeNumber('connect', id, port));
    try {
      const said = await unlessAborted(answer, signal);
      if (said.kind === 'connected') return stream;
      const error = said.kind === 'refused' ? said.error : 0;
      const sentence = `expected a program that listens at port ${port} of the VM, got error ${error} of its kernel`;
      throw new CloudletError('not-ready', sentence);
    } catch (error) {
      stream.destroy();
      throw error;
    }
  }

  async run(job: RelayJob): Promise<number> {
    const { command, environment = {}, input, output, signal, detached = false } = job;
    const variables = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
    const payload = encodeCommand(detached, [command, ...variables]);
    if (payload.length > MAX_PAYLOAD_BYTES) {
      const sentence = `expected a command and its environment in ${MAX_PAYLOAD_BYTES} bytes, got ${payload.length}; send a script as its input`;
      throw new CloudletError('request-invalid', sentence);
    }
    const { id, stream, answer } = this.#open(detached ? 'server' : 'command', signal);
    stream.on('data', (bytes: Uint8Array) => output?.(bytes));
    const heard = new Promise((resolve) => stream.once('end', resolve).once('close', resolve));
    this.#send(encodeFrame('run', id, payload));
    const failed = Promise.withResolvers<never>();
    if (input === undefined) {
      if (!detached) stream.end();
    } else {
      feed(stream, input).catch((error: unknown) => failed.reject(error));
    }
    try {
      const said = await unlessAborted(Promise.race([answer, failed.promise]), signal);
      if (said.kind === 'exited') {
        await heard;
        return said.status;
      }
      const error = said.kind === 'refused' ? said.error : 0;
      throw new CloudletError('machine-failed', `the VM could not start a command: error ${error} of its kernel`);
    } finally {
      stream.destroy();
    }
  }

  onOutgoing(accept: ((connection: Duplex) => void) | null): void {
    const isChange = (this.#accept === null) !== (accept === null);
    this.#accept = accept;
    if (isChange) this.#send(encodeNumber('listen', 0, accept === null ? 0 : 1));
  }

  /**
   * See `StartedVm.quiesce`. Connections of programs to the proxy are dropped: in a clone they would lead nowhere. Those into the VM have
   * `settleMs` to end: a server that answered closes its side a little later than its caller.
   */
  async quiesce(signal?: AbortSignal, settleMs = SETTLE_MS): Promise<void> {
    if (this.#ended !== null) throw this.#ended;
    this.onOutgoing(null);
    for (const stream of this.#streams.of('outgoing')) stream.destroy();
    const open = () =>
      this.#streams.of('connecting', 'connection', 'command').filter(({ hasEnded, isOver }) => !hasEnded && !isOver);
    await unlessAborted(closed(open(), settleMs), signal);
    if (this.#ended !== null) throw this.#ended;
    const { length } = open();
    if (length > 0) {
      const sentence = `expected no open connection and no command in a VM that is to be still, got ${length}`;
      throw new CloudletError('machine-failed', sentence);
    }
    this.#quiet ??= Promise.withResolvers<void>();
    const { promise } = this.#quiet;
    promise.catch(() => undefined);
    for (let sent = 0; sent < BLANK_BYTES; sent += BLANK.length) this.#send(BLANK);
    this.#send(encodeFrame('quiesce', 0));
    const late = AbortSignal.timeout(QUIET_MS);
    try {
      await unlessAborted(promise, signal === undefined ? late : AbortSignal.any([signal, late]));
    } catch (error) {
      if (!late.aborted || signal?.aborted === true) throw error;
      const sentence = `expected the VM to be still within ${QUIET_MS / 1000} s, it has not said so; try again`;
      throw new CloudletError('machine-failed', sentence, { cause: error });
    }
  }

  #open(kind: 'connecting' | 'command' | 'server', signal: AbortSignal | undefined) {
    signal?.throwIfAborted();
    if (this.#ended !== null) throw this.#ended;
    return this.#streams.open(kind);
  }

  #wireOf(id: number): StreamWire {
    return {
      data: (bytes, sent) => {
        if (this.#ended !== null || this.#port.write(encodeFrame('data', id, bytes))) sent();
        else this.#port.once('drain', sent);
      },
      end: () => this.#send(encodeFrame('end', id)),
      credit: (bytes) => this.#send(encodeNumber('credit', id, bytes)),
      abort: () => this.#send(encodeFrame('abort', id)),
    };
  }

  #send(frame: Uint8Array): void {
    if (this.#ended === null) this.#port.write(frame);
  }

  #take(bytes: Uint8Array): void {
    if (this.#ended !== null) return;
    try {
      for (const frame of this.#reader.push(bytes)) this.#takeFrame(frame);
    } catch (error) {
      const reason = `the VM broke the protocol of its relay: ${(error as Error).message}`;
      this.#end(reason);
      this.#port.destroy();
      this.#broken(reason);
    }
  }

  #takeFrame(frame: RelayFrame): void {
    const { kind, id } = frame;
    if (this.#isReady === (kind === 'ready'))
      throw new Error(`expected ready as the first frame and no other, got ${kind}`);
    switch (kind) {
      case 'ready':
        if (numberOf(frame) !== WIRE_VERSION)
          throw new Error(`expected version ${WIRE_VERSION}, got ${numberOf(frame)}`);
        this.#isReady = true;
        this.#ready.resolve();
        return;
      case 'quiet':
        if (this.#quiet === null) throw new Error('expected an answer, got quiet unasked');
        this.#quiet.resolve();
        this.#quiet = null;
        return;
      case 'open': {
        const stream = this.#streams.takeOpen(id);
        if (this.#accept === null) stream.destroy();
        else this.#accept(stream);
        return;
      }
      default:
        this.#streams.take(frame);
    }
  }

  #end(reason: string): void {
    if (this.#ended !== null) return;
    this.#ended = new CloudletError('machine-failed', reason);
    this.#ready.reject(this.#ended);
    this.#quiet?.reject(this.#ended);
    this.#streams.end(this.#ended);
  }
}

/** Writes all of a command's input, unless it ends before. Rejects when the input does. */
async function feed(stream: RelayStream, input: AsyncIterable<Uint8Array>): Promise<void> {
  const iterator = input[Symbol.asyncIterator]();
  const over = new Promise<void>((resolve) => stream.once('close', resolve));
  try {
    while (!stream.isOver) {
      const next = await Promise.race([iterator.next(), over]);
      if (next === undefined || next.done === true) break;
      if (!stream.write(next.value))
        await Promise.race([new Promise((resolve) => stream.once('drain', resolve)), over]);
    }
  } finally {
    void iterator.return?.();
    if (!stream.destroyed) stream.end();
  }
}

/** Resolves when all of these streams were closed, or after a time. */
async function closed(streams: readonly Duplex[], ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  const all = Promise.all(streams.map((stream) => new Promise((resolve) => stream.once('close', resolve))));
  await Promise.race([all, late]);
  clearTimeout(timer);
}
