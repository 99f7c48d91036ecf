import type { MachineExit } from '../machine/machine.ts';

const SAID = '; it said at last: ';

/** How a machine ended, for a reason: "ended by SIGKILL; it said at last: …". */
export function describeExit(exit: MachineExit): string {
  const how = exit.signal === null ? `ended with status ${exit.code}` : `was ended by ${exit.signal}`;
  return how + describeTail(exit.tail);
}

/** What a machine said last, to be put behind a reason. */
export function describeTail(tail: string): string {
  const said = tail.trim();
  return said === '' ? '' : SAID + said;
}

/** A reason, with what the machine said last unless it has that. */
export function withTail(reason: string, tail: string): string {
  return reason.includes(SAID) ? reason : reason + describeTail(tail);
}
