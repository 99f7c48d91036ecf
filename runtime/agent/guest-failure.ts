import type { ErrorCode } from '../../guest-sdk/protocol/index.ts';
import type { Ending } from './fuel.ts';

/** An invocation that failed in a way that has a code of its own; anything else that is thrown is a trap. */
export class GuestFailure extends Error {
  override readonly name = 'GuestFailure';
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** The failure of an invocation that was ended from outside, or had used up what it may. */
export function interruptedFailure(why: Ending, deadlineMs: number, cpuMs: number): GuestFailure {
  if (why === 'cpu-exceeded') return new GuestFailure(why, `the function took more than ${cpuMs} ms of processor time`);
  return why === 'deadline-exceeded'
    ? new GuestFailure(why, `the function did not finish within ${deadlineMs} ms`)
    : new GuestFailure(why, 'the caller left before the answer was complete');
}

/** Longest text that is taken from a trap: the guest may choose it. */
const MESSAGE_CHARACTERS = 500;

/** Frames of the guest's stack that are told. */
const FRAMES = 6;

/** What a guest died of, in a sentence: the engine's message and the innermost functions that have names. */
export function describeTrap(thrown: unknown): string {
  const error =
    thrown instanceof Error ? thrown : new Error(typeof thrown === 'string' ? thrown : 'a value that is no error');
  const message = error.message.slice(0, MESSAGE_CHARACTERS);
  const names = guestFunctions(error.stack ?? '');
  return `the function trapped: ${message}${names.length === 0 ? '' : ` (in ${names.join(' < ')})`}`;
}

/** Names of the WebAssembly functions of a stack, innermost first. V8 writes `at NAME (wasm://…)`, without a name `at wasm://…:wasm-function[7]:…`. */
function guestFunctions(stack: string): string[] {
  const names: string[] = [];
  for (const line of stack.split('\n')) {
    const frame = /^\s+at (?:(.+) \()?wasm:\/\/[^)]*?(wasm-function\[\d+\])/.exec(line);
    if (frame === null) continue;
    names.push((frame[1] ?? frame[2]!).slice(0, 100));
    if (names.length === FRAMES) break;
  }
  return names;
}
