import type { ErrorCode } from '../../guest-sdk/protocol/index.ts';
import type { Ending } from './fuel.ts';
import { fillsStack, trapFrames } from './trap-frames.ts';

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
  if (why === 'cpu-exceeded')
    return new GuestFailure(
      why,
      `the function took more than ${cpuMs} ms of processor time, which is the limit; raise "cpuMs" or do less in one call`,
    );
  return why === 'deadline-exceeded'
    ? new GuestFailure(why, `the function did not finish within ${deadlineMs} ms`)
    : new GuestFailure(why, 'the caller left before the answer was complete');
}

/** Longest text that is taken from a trap: the guest may choose it. */
const MESSAGE_CHARACTERS = 500;

/** What a guest died of, in a sentence: the engine's message, what that often means, and the innermost functions that have names. */
export function describeTrap(thrown: unknown): string {
  const error =
    thrown instanceof Error ? thrown : new Error(typeof thrown === 'string' ? thrown : 'a value that is no error');
  const message = error.message.slice(0, MESSAGE_CHARACTERS);
  const stack = error.stack ?? '';
  const names = trapFrames(stack);
  const deep =
    fillsStack(stack) && /out of bounds|call stack/.test(message)
      ? '; its calls are nested so deep that its stack is full'
      : '';
  return `the function trapped: ${message}${deep}${names.length === 0 ? '' : ` (in ${names.join(' < ')})`}`;
}
