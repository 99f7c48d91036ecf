import { readlinkSync } from 'node:fs';
import { isAlive, startTimeOf } from '../confinement/process-identity.ts';

/**
 * Says in a file name which process it belongs to: id, start and namespace of processes. In a container that is started again
 * the next host often has the id of the last one, but another start; in another container an id says nothing.
 */
export function ownerTag(): string {
  return `${process.pid}-${startTimeOf(process.pid)}-${pidNamespace()}`;
}

/**
 * Whether the process is gone that a tag, the begin of `text`, names. Of one in another container nothing can be found out: it is taken
 * for gone when what it owns is older than `foreignMs`.
 */
export function isOwnerGone(text: string, ageMs: number, foreignMs: number): boolean {
  const [pid, start = '', namespace] = text.split('-');
  return namespace === pidNamespace() ? !isAlive(Number(pid), start) : ageMs > foreignMs;
}

function pidNamespace(): string {
  return readlinkSync('/proc/self/ns/pid').replace(/\D/g, '');
}
