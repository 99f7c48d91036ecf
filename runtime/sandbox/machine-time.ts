import type { Machine } from '../machine/machine.ts';
import { watchdog } from '../machine/watchdog.ts';
import type { Clock } from './clock.ts';

/**
 * A clock for what is expected of a machine: where others hold that up, what it does may take as much longer. A machine on a busy computer is late more often than
 * it is lost, and ending it costs its calls, and the computer the start of another.
 */
export function machineTime(machine: Pick<Machine, 'processorQueueNs'>, clock: Clock): Clock {
  return {
    now: () => clock.now(),
    after: (ms, callback) => watchdog(ms, callback, () => machine.processorQueueNs(), clock),
  };
}
