import type { InvokeRequest } from './invoke-request.ts';
import { decodeMessage, encodeMessage } from './message-codec.ts';
import { type Packed, type PackedMessage, type PackRoom, pack, packInto, unpack } from './packed-message.ts';
import type { DoneMessage, HeadMessage, InvokeMessage } from './wire.ts';
import { WireError } from './wire-error.ts';

/*
 * The messages that come with every invocation: `invoke`, `head`, `done`. As MessagePack they were an eighth of a small one's cost, in the
 * host and in the agent, most of it for the names of their members.
 */

const DOORS = ['call', 'run', 'http', 'start'] as const;

/** Bits of an `invoke`'s code, above the two of its door. */
const HAS_INPUT = 4;
const IS_REHEARSAL = 8;
const HAS_PARENT = 16;
const HAS_STATE = 32;

/** The payload of an `invoke` frame. */
export function encodeInvoke(message: InvokeMessage): Uint8Array {
  return pack(packedInvoke(message));
}

function packedInvoke(message: InvokeMessage): PackedMessage {
  const { traceparent, tracestate, input } = message;
  const texts: string[] = [];
  const pieces: Uint8Array[] = [];
  let code = DOORS.indexOf(message.door);
  if (message.rehearsal === true) code |= IS_REHEARSAL;
  if (input !== null) {
    code |= HAS_INPUT;
    pieces.push(input);
  }
  if (traceparent !== undefined) {
    code |= HAS_PARENT;
    texts.push(traceparent);
  }
  if (tracestate !== undefined) {
    code |= HAS_STATE;
    texts.push(tracestate);
  }
  putDoor(message, texts, pieces);
  return { code, first: message.deadlineMs, second: 0, texts, pieces };
}

/** Reads one; bytes in it are views of `payload`. It comes from the host, which is trusted. */
export function decodeInvoke(payload: Uint8Array): InvokeMessage {
  const packed = unpack(payload);
  const { code, texts } = packed;
  const door = DOORS[code & 3]!;
  if (door === 'http') return new HttpInvoke(packed);
  let text = 0;
  const traceparent = (code & HAS_PARENT) === 0 ? undefined : texts[text++]!;
  const tracestate = (code & HAS_STATE) === 0 ? undefined : texts[text++]!;
  return {
    ...doorOf(door, texts.slice(text)),
    // All have the same members: what the engine learnt of a rehearsal's is of use to a caller's.
    ...{ traceparent, tracestate, rehearsal: (code & IS_REHEARSAL) !== 0, deadlineMs: packed.first },
    input: inputOf(packed),
  };
}

function inputOf(packed: Packed): Uint8Array | null {
  if ((packed.code & HAS_INPUT) === 0) return null;
  // Most have none, and a view costs as much as to read the rest.
  return packed.pieceBytes(0) === 0 ? EMPTY : packed.piecesFrom(0, 1)[0]!;
}

const EMPTY = new Uint8Array(0);

const NO_TEXTS: readonly string[] = [];
const NO_PIECES: readonly Uint8Array[] = [];

/** An http request as it came. Its fields are read when the guest asks for them. */
class HttpInvoke {
  readonly door = 'http';
  readonly method: string;
  readonly scheme: 'http' | 'https';
  readonly authority: string;
  readonly path: string;
  readonly traceparent: string | undefined;
  readonly tracestate: string | undefined;
  readonly rehearsal: boolean;
  readonly deadlineMs: number;
  readonly input: Uint8Array | null;
  readonly #packed: Packed;
  readonly #text: number;

  constructor(packed: Packed) {
    const { code, texts } = packed;
    let text = 0;
    this.traceparent = (code & HAS_PARENT) === 0 ? undefined : texts[text++]!;
    this.tracestate = (code & HAS_STATE) === 0 ? undefined : texts[text++]!;
    this.method = texts[text]!;
    this.scheme = texts[text + 1] as 'http' | 'https';
    this.authority = texts[text + 2]!;
    this.path = texts[text + 3]!;
    this.rehearsal = (code & IS_REHEARSAL) !== 0;
    this.deadlineMs = packed.first;
    this.input = inputOf(packed);
    this.#packed = packed;
    this.#text = text + 4;
    checkFields(texts.length - this.#text, packed.pieceCount - this.#piece);
  }

  get headers(): Field[] {
    const { pieceCount, texts } = this.#packed;
    return fieldsOf(texts, this.#text, this.#packed.piecesFrom(this.#piece, pieceCount));
  }

  get #piece(): number {
    return this.input === null ? 0 : 1;
  }
}

function putDoor(request: InvokeRequest, texts: string[], pieces: Uint8Array[]): void {
  switch (request.door) {
    case 'start':
      return;
    case 'call':
      texts.push(request.target);
      return;
    case 'run':
      texts.push(...request.arguments);
      return;
    case 'http':
      texts.push(request.method, request.scheme, request.authority, request.path);
      putFields(request.headers, texts, pieces);
      return;
    default:
      request satisfies never;
  }
}

function doorOf(door: Exclude<(typeof DOORS)[number], 'http'>, texts: readonly string[]): InvokeRequest {
  switch (door) {
    case 'start':
      return { door };
    case 'call':
      return { door, target: texts[0]! };
    case 'run':
      return { door, arguments: texts };
    default:
      return door satisfies never;
  }
}

/** The payload of a `head` frame. */
export function encodeHead(message: HeadMessage): Uint8Array {
  return pack(packedHead(message));
}

/** Writes the same where it leaves from. */
export function putHead(room: PackRoom, message: HeadMessage): void {
  packInto(room, packedHead(message));
}

function packedHead({ status, headers }: HeadMessage): PackedMessage {
  const texts: string[] = [];
  const pieces: Uint8Array[] = [];
  putFields(headers, texts, pieces);
  return { code: 0, first: status, second: 0, texts, pieces };
}

/** Reads one; the status may be any number. */
export function decodeHead(payload: Uint8Array): HeadMessage {
  const { first: status, texts, pieces } = unpack(payload);
  return { status, headers: fieldsOf(texts, 0, pieces) };
}

const OK = 0;
const OK_WITH_TRAILERS = 1;
const FAILED = 2;

/** Above the kind of an end: its last piece tells what was used, which few ends do. */
const HAS_TOLD = 4;

/** The payload of a `done` frame. */
export function encodeDone(message: DoneMessage): Uint8Array {
  return pack(packedDone(message));
}

/** Writes the same where it leaves from. */
export function putDone(room: PackRoom, message: DoneMessage): void {
  packInto(room, packedDone(message));
}

function packedDone(message: DoneMessage): PackedMessage {
  if (
    message.kind === 'ok' &&
    message.use === undefined &&
    message.missing === undefined &&
    !message.trailers?.length
  ) {
    const code = message.trailers === undefined ? OK : OK_WITH_TRAILERS;
    return { code, first: message.runMs, second: message.exitCode, texts: NO_TEXTS, pieces: NO_PIECES };
  }
  const texts: string[] = [];
  const pieces: Uint8Array[] = [];
  const { use, missing } = message;
  const told = use === undefined && missing === undefined ? 0 : HAS_TOLD;
  if (message.kind === 'failed') {
    texts.push(message.code, message.detail);
    if (told !== 0) pieces.push(encodeMessage({ use, missing }));
    return { code: FAILED | told, first: message.runMs, second: 0, texts, pieces };
  }
  const { exitCode, trailers, runMs } = message;
  if (trailers !== undefined) putFields(trailers, texts, pieces);
  if (told !== 0) pieces.push(encodeMessage({ use, missing }));
  const code = (trailers === undefined ? OK : OK_WITH_TRAILERS) | told;
  return { code, first: runMs, second: exitCode, texts, pieces };
}

/** Reads one; its numbers, and what it tells of use, may be any. */
export function decodeDone(payload: Uint8Array): DoneMessage {
  const { code, first: runMs, second: exitCode, texts, pieces } = unpack(payload);
  if ((code & HAS_TOLD) === 0) return doneOf(code, runMs, exitCode, texts, pieces);
  const last = pieces.at(-1);
  if (last === undefined) throw new WireError('expected what was used at the end of an invocation, got nothing');
  const told = decodeMessage(new Uint8Array(last)) as Pick<DoneMessage, 'use' | 'missing'>;
  const { use, missing } = told ?? {};
  return { ...doneOf(code & ~HAS_TOLD, runMs, exitCode, texts, pieces.slice(0, -1)), use, missing };
}

function doneOf(
  code: number,
  runMs: number,
  exitCode: number,
  texts: readonly string[],
  pieces: readonly Uint8Array[],
): DoneMessage {
  switch (code) {
    case OK:
      return { kind: 'ok', exitCode, runMs };
    case OK_WITH_TRAILERS:
      return { kind: 'ok', exitCode, runMs, trailers: fieldsOf(texts, 0, pieces) };
    case FAILED:
      if (texts.length !== 2) throw new WireError(`expected the code and the detail of a failure, got ${texts.length}`);
      return { kind: 'failed', code: texts[0]!, detail: texts[1]!, runMs };
    default:
      throw new WireError(`expected an end of a kind that there is, got ${code}`);
  }
}

type Field = readonly [name: string, value: Uint8Array];

function putFields(fields: readonly Field[], texts: string[], pieces: Uint8Array[]): void {
  for (const [name, value] of fields) {
    texts.push(name);
    pieces.push(value);
  }
}

function fieldsOf(texts: readonly string[], from: number, pieces: readonly Uint8Array[]): Field[] {
  checkFields(texts.length - from, pieces.length);
  const fields = new Array<Field>(pieces.length);
  for (let at = 0; at < pieces.length; at += 1) fields[at] = [texts[from + at]!, pieces[at]!];
  return fields;
}

function checkFields(names: number, values: number): void {
  if (names !== values) {
    throw new WireError(`expected as many names as values of fields, got ${names} and ${values}`);
  }
}
