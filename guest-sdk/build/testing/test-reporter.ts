import { writeSync } from 'node:fs';
import { LINE_FD, type TestEnd, type TestLine } from './test-line.ts';

/** Lines of a stack that are told. */
const STACK_LINES = 12;

/** What of an event of Node's test runner is read. */
interface TestEvent {
  readonly type: string;
  readonly data: {
    readonly name: string;
    readonly skip?: string | boolean;
    readonly todo?: string | boolean;
    readonly details: { readonly duration_ms: number; readonly type?: string; readonly error?: Error };
  };
}

/** The reporter that Node's test runner has in the process of a test file: each test that ended, as a line of JSON. */
export default async function* report(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  for await (const { type, data } of events) {
    if (type !== 'test:pass' && type !== 'test:fail') continue;
    // Of a suite each test is told; one that fails by itself, in a hook, is told too.
    if (data.details.type === 'suite' && !isOwnFailure(data.details.error)) continue;
    const line: TestLine = { kind: 'ended', test: testOf(type === 'test:pass', data) };
    writeSync(LINE_FD, `${JSON.stringify(line)}\n`);
    // Nothing for the screen.
    yield '';
  }
}

function testOf(passed: boolean, { name, skip, todo, details }: TestEvent['data']): TestEnd {
  const isSkipped = isMarked(skip) || (isMarked(todo) && !passed);
  return {
    ...{ name, passed, ms: details.duration_ms },
    ...(passed ? {} : { reason: reasonOf(details.error) }),
    ...(isSkipped ? { skipped: true } : {}),
  };
}

function isMarked(mark: string | boolean | undefined): boolean {
  return mark !== undefined && mark !== false;
}

function isOwnFailure(error: Error | undefined): boolean {
  return error !== undefined && (error as { failureType?: string }).failureType !== 'subtestsFailed';
}

function reasonOf(error: Error | undefined): string {
  const cause = error?.cause instanceof Error ? error.cause : error;
  return (cause?.stack ?? cause?.message ?? 'it failed')
    .split('\n')
    .filter((line) => !/node:internal/.test(line))
    .slice(0, STACK_LINES)
    .join('\n');
}
