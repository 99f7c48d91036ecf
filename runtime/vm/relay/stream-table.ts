import { CloudletError } from '../../../guest-sdk/protocol/index.ts';
import { RelayStream, type StreamWire } from './relay-stream.ts';
import {
  HOST_STREAMS,
  type Kind,
  numberOf,
  OWN_ID,
  OWN_STREAMS,
  type RelayFrame,
  STEP_BYTES,
  WINDOW_BYTES,
} from './wire.ts';

/** Frames of a stream that may be on their way when the host ends it, and some more that are no data. */
const LATE_FRAMES = WINDOW_BYTES / STEP_BYTES + 8;

/** What a stream is now: `server` is a command that is detached, `outgoing` a connection that a program inside opened. */
export type StreamKind = 'connecting' | 'connection' | 'command' | 'server' | 'outgoing';

/** What the guest may say of a stream. */
const EXPECTED: Readonly<Record<StreamKind, readonly Kind[]>> = {
  connecting: ['connected', 'refused', 'abort'],
  connection: ['data', 'end', 'credit', 'abort', 'closed'],
  command: ['data', 'credit', 'exited', 'refused'],
  server: ['exited', 'refused'],
  outgoing: ['data', 'end', 'credit', 'abort'],
};

/** The guest's answer to a stream that the host opened. */
export type Answer =
  | { readonly kind: 'connected' }
  | { readonly kind: 'exited'; readonly status: number }
  /** `error` is the number that the guest's kernel gave. */
  | { readonly kind: 'refused'; readonly error: number };

interface Entry {
  kind: StreamKind;
  readonly stream: RelayStream;
  readonly answer: PromiseWithResolvers<Answer>;
}

/** How frames of a stream are sent; `abort` is followed by nothing. */
export type WireOf = (id: number) => StreamWire;

/** What `connect` gives as error when a connection was reset before it was one. */
const RESET_BY_PEER = 104;

/** The streams that are open over one relay, by id. What the guest says of them is checked here. */
export class StreamTable {
  readonly #wireOf: WireOf;
  readonly #entries = new Map<number, Entry>();
  /** Places of the host's streams that are taken: the remainder of an id says its place. */
  readonly #taken = new Uint8Array(HOST_STREAMS);
  #turn = 0;
  #own = 0;
  /** Frames of streams that are no more, which the guest may still send. */
  #late = 0;

  constructor(wireOf: WireOf) {
    this.#wireOf = wireOf;
  }

  /** Streams of these kinds that are open. */
  of(...kinds: readonly StreamKind[]): RelayStream[] {
    return [...this.#entries.values()].filter(({ kind }) => kinds.includes(kind)).map(({ stream }) => stream);
  }

  /** Makes a stream of the host's. Fails with `at-capacity` when all places are taken. */
  open(kind: 'connecting' | 'command' | 'server') {
    const place = this.#taken.indexOf(0);
    if (place < 0)
      throw new CloudletError('at-capacity', `expected at most ${HOST_STREAMS} connections into a VM, got one more`);
    this.#taken[place] = 1;
    // Unlike the last of this place: what the guest still says of that is told apart.
    this.#turn = (this.#turn + 1) % (OWN_ID / HOST_STREAMS);
    const id = this.#turn * HOST_STREAMS + place;
    const { stream, answer } = this.#enter(id, kind);
    return { id, stream, answer: answer.promise };
  }

  /** Takes a stream that a program inside opened; throws a sentence when the id is none that is free. */
  takeOpen(id: number): RelayStream {
    if (id < OWN_ID || this.#entries.has(id)) throw new Error(`expected a new id of a stream, got ${id}`);
    if (this.#own === OWN_STREAMS)
      throw new Error(`expected at most ${OWN_STREAMS} connections to the proxy, got one more`);
    return this.#enter(id, 'outgoing').stream;
  }

  /** Takes what the guest says of a stream; throws a sentence when it may not say that. */
  take(frame: RelayFrame): void {
    const { kind, id, payload } = frame;
    const entry = this.#entries.get(id);
    if (entry === undefined) {
      this.#late -= 1;
      if (this.#late < 0) throw new Error(`expected a frame of a stream that is open, got ${kind} of ${id}`);
      return;
    }
    const { stream, answer } = entry;
    const expected = EXPECTED[entry.kind];
    if (!expected.includes(kind)) throw new Error(`expected ${expected.join(' or ')} of a ${entry.kind}, got ${kind}`);
    switch (kind) {
      case 'connected':
        entry.kind = 'connection';
        answer.resolve({ kind });
        break;
      case 'refused':
        this.#close(id);
        answer.resolve({ kind, error: numberOf(frame) });
        stream.takeClose();
        break;
      case 'exited':
        this.#close(id);
        answer.resolve({ kind, status: numberOf(frame) });
        stream.takeClose();
        break;
      case 'closed':
        if (!stream.hasEnded) throw new Error('expected the end of a stream in both directions before its close');
        this.#close(id);
        stream.takeClose();
        break;
      case 'abort':
        this.#close(id);
        answer.resolve({ kind: 'refused', error: RESET_BY_PEER });
        stream.takeClose(new Error('the connection was reset inside the VM'));
        break;
      case 'data':
        stream.takeData(payload);
        break;
      case 'credit':
        stream.takeCredit(numberOf(frame));
        break;
      case 'end':
        stream.takeEnd();
        this.#closeWhenEnded(id);
        break;
      default:
        throw new Error(`expected a frame of a stream, got ${kind}`);
    }
  }

  /** The VM is over: all streams are. */
  end(error: Error): void {
    for (const [id, { stream, answer }] of this.#entries) {
      this.#close(id);
      answer.reject(error);
      stream.takeClose(error);
    }
  }

  #enter(id: number, kind: StreamKind): Entry {
    const wire = this.#wireOf(id);
    const stream = new RelayStream({
      ...wire,
      end: () => {
        wire.end();
        this.#closeWhenEnded(id);
      },
      abort: () => {
        this.#late += LATE_FRAMES;
        this.#close(id);
        wire.abort();
      },
    });
    // Who uses it listens; one that nobody uses any more may fail unheard.
    stream.on('error', () => undefined);
    const entry: Entry = { kind, stream, answer: Promise.withResolvers<Answer>() };
    entry.answer.promise.catch(() => undefined);
    this.#entries.set(id, entry);
    if (id >= OWN_ID) this.#own += 1;
    return entry;
  }

  /** Of a stream of its own the guest does not say that it gave up its place. */
  #closeWhenEnded(id: number): void {
    if (id < OWN_ID || this.#entries.get(id)?.stream.hasEnded !== true) return;
    this.#late += LATE_FRAMES;
    this.#close(id);
  }

  #close(id: number): void {
    if (!this.#entries.delete(id)) return;
    if (id < OWN_ID) this.#taken[id % HOST_STREAMS] = 0;
    else this.#own -= 1;
  }
}
