/** Checks what an agent says: whoever broke out of WebAssembly in there may say anything. */
import { LogLevel } from '../../../guest-sdk/protocol/index.ts';
import {
  type AskMessage,
  type CreditMessage,
  type DoneMessage,
  decodeDone,
  decodeHead,
  decodeMessage,
  EPOCH_BYTES,
  type HeadMessage,
  INTERRUPTS,
  type LateMessage,
  type LoadedMessage,
  type LogMessage,
  type LostMessage,
  type ReadyMessage,
  type RecalledMessage,
  type RenewedMessage,
  WIRE_VERSION,
  WireError,
} from '../../agent/wire.ts';
import { parseUsed } from './use-message.ts';

type Shape = Readonly<Record<string, unknown>>;

export function parseReady(payload: Uint8Array): ReadyMessage {
  const message = record('ready', payload);
  const wire = count('ready.wire', message['wire']);
  if (wire !== WIRE_VERSION) {
    throw new WireError(`expected an agent of wire version ${WIRE_VERSION}, got ${wire}: build the base image again`);
  }
  return { wire, node: text('ready.node', message['node']), workers: count('ready.workers', message['workers']) };
}

export function parseLoaded(payload: Uint8Array): LoadedMessage {
  const message = record('loaded', payload);
  const compileMs = finite('loaded.compileMs', message['compileMs']);
  return message['error'] === undefined ? { compileMs } : { compileMs, error: text('loaded.error', message['error']) };
}

export function parseHead(payload: Uint8Array): HeadMessage {
  const head = decodeHead(payload);
  // 1xx would be an interim answer to every HTTP library, and what is above 599 none at all.
  if (!Number.isInteger(head.status) || head.status < 200 || head.status > 599) {
    throw new WireError(`expected a status from 200 to 599, got ${head.status}`);
  }
  return head;
}

export function parseDone(payload: Uint8Array): DoneMessage {
  const done = decodeDone(payload);
  finite('done.runMs', done.runMs);
  if (done.kind === 'ok') count('done.exitCode', done.exitCode);
  if (done.use === undefined && done.missing === undefined) return done;
  const { use, missing, ...rest } = done;
  return { ...rest, ...parseUsed(use, missing) };
}

export function parseLog(payload: Uint8Array): LogMessage {
  const message = record('log', payload);
  const stream = message['stream'];
  if (stream !== 'stdout' && stream !== 'stderr') throw new WireError('expected log.stream to be "stdout" or "stderr"');
  const logged = { stream, text: text('log.text', message['text']) } as const;
  return message['entry'] === undefined ? logged : { ...logged, entry: logEntry(message['entry']) };
}

/** What a worker asks for its invocation. A copy: a service may keep what is in it. */
export function parseAsk(payload: Uint8Array): AskMessage {
  const message = record('ask', new Uint8Array(payload));
  return {
    service: text('ask.service', message['service']),
    invocation: count('ask.invocation', message['invocation']),
    args: message['args'],
  };
}

export function parseLost(payload: Uint8Array): LostMessage {
  const message = record('lost', payload);
  const why = message['why'];
  const known = INTERRUPTS.find((each) => each === why);
  if (why !== null && known === undefined) throw new WireError(`expected lost.why to be null or one of ${INTERRUPTS}`);
  return {
    worker: count('lost.worker', message['worker']),
    finished: count('lost.finished', message['finished']),
    begun: count('lost.begun', message['begun']),
    id: count('lost.id', message['id']),
    why: known ?? null,
    reason: text('lost.reason', message['reason']),
  };
}

export function parseRenewed(payload: Uint8Array): RenewedMessage {
  const message = record('renewed', payload);
  const epoch = message['epoch'];
  if (!(epoch instanceof Uint8Array) || epoch.length !== EPOCH_BYTES) {
    throw new WireError(`expected renewed.epoch to be ${EPOCH_BYTES} bytes`);
  }
  return {
    worker: count('renewed.worker', message['worker']),
    line: count('renewed.line', message['line']),
    epoch: new Uint8Array(epoch),
  };
}

/** What a worker had begun when something was taken back from it. */
export function parseRecalled(payload: Uint8Array): RecalledMessage {
  const message = record('recalled', payload);
  return {
    worker: count('recalled.worker', message['worker']),
    last: count('recalled.last', message['last']),
    begun: count('recalled.begun', message['begun']),
  };
}

/** A piece of a late file for which a guest waits. */
export function parseWant(payload: Uint8Array): LateMessage {
  const message = record('want', payload);
  return { late: count('want.late', message['late']), piece: count('want.piece', message['piece']) };
}

export function parseCredit(payload: Uint8Array): CreditMessage {
  return { bytes: count('credit.bytes', record('credit', payload)['bytes']) };
}

function record(what: string, payload: Uint8Array): Shape {
  return shape(what, decodeMessage(payload));
}

function shape(what: string, message: unknown): Shape {
  if (typeof message !== 'object' || message === null || Array.isArray(message)) {
    throw new WireError(`expected ${what} to be an object`);
  }
  return message as Shape;
}

/** Longest context of a log message, characters; an agent cuts it at a quarter of that. */
const CONTEXT_CHARACTERS = 1024;

function logEntry(value: unknown): NonNullable<LogMessage['entry']> {
  const entry = shape('log.entry', value);
  const level = LogLevel.options.find((each) => each === entry['level']);
  if (level === undefined) throw new WireError(`expected log.entry.level to be one of ${LogLevel.options}`);
  const context = text('log.entry.context', entry['context']);
  if (context.length > CONTEXT_CHARACTERS) {
    throw new WireError(`expected a context of at most ${CONTEXT_CHARACTERS} characters, got ${context.length}`);
  }
  return { level, context };
}

function text(what: string, value: unknown): string {
  if (typeof value !== 'string') throw new WireError(`expected ${what} to be a string, got ${typeof value}`);
  return value;
}

function finite(what: string, value: unknown): number {
  if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) {
    throw new WireError(`expected ${what} to be a number from 0, got ${typeof value}`);
  }
  return value;
}

function count(what: string, value: unknown): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) {
    throw new WireError(`expected ${what} to be a whole number from 0, got ${typeof value}`);
  }
  return value;
}
