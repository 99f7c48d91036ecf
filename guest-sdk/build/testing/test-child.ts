import { writeSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { afterEach, beforeEach } from 'node:test';
import { type ChildTask, LINE_FD, type TestLine } from './test-line.ts';

/** Gets the process of a test file ready, before the file is loaded: the function under test, packages, who is told which test runs. */
export function begin({ tested, packages }: ChildTask): void {
  registerHooks({
    resolve: (specifier, context, next) =>
      Object.hasOwn(packages, specifier) ? { url: packages[specifier]!, shortCircuit: true } : next(specifier, context),
  });
  (globalThis as Record<symbol, unknown>)[Symbol.for('cloudlet.function-under-test')] = tested;
  // Whoever runs it is gone.
  process.stdin.once('end', () => process.exit(1)).resume();
  process.stdin.unref();
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
