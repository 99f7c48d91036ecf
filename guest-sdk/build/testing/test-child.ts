import { writeSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { afterEach, beforeEach } from 'node:test';
import { Worker } from 'node:worker_threads';
import { type ChildTask, LINE_FD, type TestLine } from './test-line.ts';

/**
 * Ends the process with all that it started, which its group are, when whoever runs it is gone: the input has an end then. In a thread of its own, since a
 * test may never let go of the first.
 */
const WATCH = `
  const { Socket } = require('node:net');
  new Socket({ fd: 0, readable: true, writable: false })
    .once('close', () => process.kill(-process.pid, 'SIGKILL'))
    .on('error', () => {})
    .resume();
`;

/** Gets the process of a test file ready, before the file is loaded: the function under test, packages, who is told which test runs. */
export function begin({ tested, packages }: ChildTask): void {
  registerHooks({
    resolve: (specifier, context, next) =>
      Object.hasOwn(packages, specifier) ? { url: packages[specifier]!, shortCircuit: true } : next(specifier, context),
  });
  (globalThis as Record<symbol, unknown>)[Symbol.for('cloudlet.function-under-test')] = tested;
  new Worker(WATCH, { eval: true, execArgv: [] }).unref();
  // A test that never lets go of the thread keeps the reporter from telling of those before it: it has its turn first.
  const turn = setImmediate;
  beforeEach(async (test) => {
    await new Promise<void>((resolve) => turn(resolve));
    say({ kind: 'running', name: 'fullName' in test ? test.fullName : '' });
  });
  afterEach(() => say({ kind: 'returned' }));
}

/** At once, since what follows may not come to an end. */
function say(line: TestLine): void {
  writeSync(LINE_FD, `${JSON.stringify(line)}\n`);
}
