/**
 * What the host and the agent say to each other: length-prefixed, versioned frames. The channel goes to the agent's serving thread,
 * and each worker has a line of its own, so that an invocation passes through no other thread.
 *
 *     u32le payload bytes | u8 wire version | u8 kind | u16le zero | u32le id | payload
 *
 * `body` payloads are raw bytes; a `bulk` frame is a `body` whose bytes lie on a disk (`bulk-slots.ts`); `invoke`, `head` and `done` are packed (`invocation-message.ts`); every other payload is MessagePack. The receiver checks length, version and kind before it
 * allocates. Bodies of invocations are limited by credit in either direction: a sender may have at most `WINDOW_BYTES`
 * unacknowledged. The bytes of a load are not: the agent has to hold them all anyway, and the stream's own backpressure holds.
 */
export {
  BULK_BYTES,
  BULK_FROM_BYTES,
  BulkSlots,
  bulkPart,
  decodeBulk,
  encodeBulk,
  encodeFreed,
  SLOT_BYTES,
} from './bulk-slots.ts';
export { CHUNK_BYTES, INLINE_BYTES, ReceiveWindow, SendWindow, WINDOW_BYTES } from './credit-window.ts';
export { CreditedSink } from './credited-sink.ts';
export { CreditedSource } from './credited-source.ts';
export {
  type CancelMessage,
  INTERRUPTS,
  type Interrupt,
  type LostMessage,
  type RecalledMessage,
  type RecallMessage,
  type RenewedMessage,
} from './ending-message.ts';
export { encodeFiles, type FilesMessage } from './files-message.ts';
export { FIRST_ASK_ID, hasReached, isAskId } from './frame-id.ts';
export { FrameReader } from './frame-reader.ts';
export {
  decodeDone,
  decodeHead,
  decodeInvoke,
  encodeDone,
  encodeHead,
  encodeInvoke,
} from './invocation-message.ts';
export type { InvokeRequest } from './invoke-request.ts';
export type { LateContent, SentDirectory } from './late-content.ts';
export { LATE_ID, type LateMessage } from './late-message.ts';
export { EPOCH_BYTES, FIRST_EPOCH, LineReader } from './line-reader.ts';
export { decodeMessage, encodeMessage } from './message-codec.ts';
export {
  type AnswerMessage,
  ASK_BYTES,
  ASK_WINDOW_BYTES,
  type AskMessage,
  type FinishMessage,
  MAX_ASKS,
} from './outside/ask-wire.ts';
export type { ReuseLimits } from './reuse/reuse-limits.ts';
export { MAX_MISSING, MAX_USE_CHARACTERS, MAX_USES, type UseMessage } from './use-message.ts';
export { WireError } from './wire-error.ts';

import type { LogLevel, WasiLimits } from '../wasi/index.ts';
import type { FilesMessage } from './files-message.ts';
import type { InvokeRequest } from './invoke-request.ts';
import type { ReuseLimits } from './reuse/reuse-limits.ts';
import type { UseMessage } from './use-message.ts';
import { WireError } from './wire-error.ts';

/** Changes whenever a frame or a message changes its meaning. */
export const WIRE_VERSION = 10;
export const HEADER_BYTES = 12;

/** Longest frame, in bytes, in either direction. The guest chooses the size, the cloudlet pays for the memory. */
export const MAX_FRAME_BYTES = 1024 * 1024;

/**
 * Kinds of frames. Host to agent: load … grant, answer, finish, late, recall; agent to host: ready … ask, want, recalled; both: mark, body, end, credit, bulk, freed, forget.
 * On a line go grant, invoke, its input and answer, what it asks (`outside/ask-wire.ts`), and `mark`: the first frame of a worker, and the first for it. `prepare` asks for what must
 * be done before a snapshot; `prepared`, same id, says that all workers run, have what was loaded, and are idle.
 */
export const KIND = {
  load: 1,
  invoke: 2,
  cancel: 3,
  ping: 4,
  prepare: 5,
  grant: 6,
  mark: 7,
  body: 8,
  end: 9,
  credit: 10,
  bulk: 11,
  freed: 12,
  answer: 13,
  finish: 14,
  late: 15,
  ready: 16,
  loaded: 17,
  head: 18,
  done: 19,
  log: 20,
  pong: 21,
  prepared: 22,
  lost: 23,
  renewed: 24,
  ask: 25,
  forget: 26,
  want: 27,
  recall: 28,
  recalled: 29,
} as const;
export type KindName = keyof typeof KIND;

/** By number. */
export const KIND_NAMES: (KindName | undefined)[] = [];
for (const [name, number] of Object.entries(KIND)) KIND_NAMES[number] = name as KindName;

export interface Frame {
  readonly kind: KindName;
  readonly id: number;
  readonly payload: Uint8Array;
}

/** What the agent says when it serves the channel and may be given a load: its versions, for the log. Id 0. */
export interface ReadyMessage {
  readonly wire: number;
  readonly node: string;
  readonly workers: number;
}

/** Puts a component into the agent; its bytes (glue, then the modules in order, then the files) follow as `body` frames and an `end` under the same id. */
export interface LoadMessage extends GrantMessage {
  /** The function's name: a command sees it as its first argument. */
  readonly program: string;
  readonly glueBytes: number;
  readonly modules: readonly { readonly name: string; readonly bytes: number }[];
  readonly reuse: ReuseLimits | null; // Null: each invocation has an instance that is as new.
  readonly run: readonly string[] | null;
  readonly http: readonly string[] | null;
  readonly functions: readonly {
    readonly name: string;
    readonly path: readonly string[];
    /** Whether the WIT result is a `result<…>`: a thrown payload is then an `err`, not a failure. */
    readonly fallible: boolean;
  }[];
  /** Most bytes of a typed call's arguments, and of its result. */
  readonly valueBytes: number;
  /** Processor time of one invocation. */
  readonly cpuMs: number;
  /** What its memories together may have, which they were made with: told to who reads why it failed. */
  readonly memoryMib: number;
  /** Those of the function; the others are WASI's own. */
  readonly limits: Partial<WasiLimits>;
  /** Null: it has no directories. */
  readonly files: FilesMessage | null;
  /** Whether somebody records what its invocations use. */
  readonly recorded?: true;
}

/** Answer to a load, same id. `error` is a sentence; the component is not loaded then. */
export interface LoadedMessage {
  readonly error?: string;
  readonly compileMs: number;
}

/**
 * What a function is given beside its code, in place of what the load said. It comes after a restore from a snapshot, because a
 * snapshot is kept on disk: nothing that is secret may be in it. Holds for the invocations that follow.
 */
export interface GrantMessage {
  readonly environment: readonly (readonly [string, string])[];
  readonly arguments: readonly string[];
  /** What `wasi:config` gives. */
  readonly configuration: readonly (readonly [string, string])[];
}

/**
 * Starts an invocation of the loaded component.
 * `input` is the whole input when it is at hand and at most `INLINE_BYTES`, which saves two frames on the way of a small call;
 * when it is null the input follows as `body` frames and an `end` under the same id.
 */
export type InvokeMessage = InvokeRequest & {
  readonly deadlineMs: number;
  readonly input: Uint8Array | null;
  /** Nobody asked for it: it is given what the load said, which holds no secret, and leaves nothing to an invocation. */
  readonly rehearsal?: boolean;
};

/** Status and headers of an http answer; before its first body byte. */
export interface HeadMessage {
  readonly status: number;
  readonly headers: readonly (readonly [string, Uint8Array])[];
}

/** The end of an invocation. After it nothing more comes under this id. */
export type DoneMessage = (
  | {
      readonly kind: 'ok';
      readonly exitCode: number;
      readonly trailers?: readonly (readonly [string, Uint8Array])[] | undefined;
      readonly runMs: number;
    }
  | { readonly kind: 'failed'; readonly code: string; readonly detail: string; readonly runMs: number }
) & {
  readonly use?: UseMessage | undefined;
  /** What it looked for in vain at last, unless it ended well. */
  readonly missing?: readonly string[] | undefined;
};

/** Guest output for the function's log; `id` is the invocation. */
export interface LogMessage {
  readonly stream: 'stdout' | 'stderr';
  readonly text: string;
  /** What `wasi:logging` says of a message; absent for what was written to a stream. */
  readonly entry?: { readonly level: LogLevel; readonly context: string };
}

/** More body bytes that may be sent under this id. */
export interface CreditMessage {
  readonly bytes: number;
}

/** The bytes of one frame. */
export function encodeFrame(kind: KindName, id: number, payload: Uint8Array): Uint8Array {
  // From Node's pool, written byte by byte: a `DataView` has memory of its own made for each small array.
  const frame = Buffer.allocUnsafe(HEADER_BYTES + payload.length);
  writeHeader(frame, kind, id, payload.length);
  frame.set(payload, HEADER_BYTES);
  return frame;
}

/** The bytes before the payload of a frame. */
export function encodeHeader(kind: KindName, id: number, payloadBytes: number): Uint8Array {
  const header = Buffer.allocUnsafe(HEADER_BYTES);
  writeHeader(header, kind, id, payloadBytes);
  return header;
}

/** Writes them where they belong. */
export function writeHeader(to: Buffer, kind: KindName, id: number, payloadBytes: number, at = 0): void {
  if (payloadBytes > MAX_FRAME_BYTES) {
    throw new WireError(`expected a payload of at most ${MAX_FRAME_BYTES} bytes, got ${payloadBytes}`);
  }
  to.writeUInt32LE(payloadBytes, at);
  to[at + 4] = WIRE_VERSION;
  to[at + 5] = KIND[kind];
  to[at + 6] = to[at + 7] = 0;
  to.writeUInt32LE(id, at + 8);
}
