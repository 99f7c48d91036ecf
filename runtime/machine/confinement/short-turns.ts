import { spawn } from 'node:child_process';
import { programFiles } from './program-file.ts';

/**
 * Nanoseconds for which a thread runs before one that just woke up may: the least that Linux takes. Its own are three milliseconds, and it looks every four:
 * a call that wakes a host, a machine and the host again would wait each time for whoever computes.
 */
const TURN_NS = 100_000;

/** The step of a plan by which a thread, and all that it starts, takes short turns; by default the one that follows the plan. Pure. */
export function turnWords(thread = 0): string[] {
  return ['turns', String(thread), String(TURN_NS)];
}

/**
 * Has a thread take short turns, as machines do; by default the main one of this process. Never fails: where this cannot be done, calls wait longer on a
 * busy computer.
 */
export async function takeShortTurns(thread = process.pid): Promise<void> {
  const programs = await programFiles().catch(() => null);
  if (programs === null) return;
  const stdio = ['ignore', 'ignore', 'ignore', programs.spawner.fd] as const;
  const child = spawn('/proc/self/fd/3', [...turnWords(thread), 'end'], { cwd: '/', env: {}, stdio: [...stdio] });
  await new Promise<void>((resolve) => child.once('error', () => resolve()).once('close', () => resolve()));
}
