import type { CheckedCase } from '../check-case.ts';

/** What a test file finds when it asks for the function under test. */
export interface TestedFunction {
  readonly url: string;
  readonly token: string | undefined;
  readonly name: string;
}

/** How a test of a file ended. */
export interface TestEnd extends CheckedCase {
  /** It was left out, or is a `todo` that does not pass yet: it counts as neither passed nor failed. */
  readonly skipped?: boolean;
}

/** What the process of a test file says, a line of JSON each. */
export type TestLine =
  /** A test begins; the name has those of its suites before it. */
  | { readonly kind: 'running'; readonly name: string }
  /** The one that began last has returned. */
  | { readonly kind: 'returned' }
  | { readonly kind: 'ended'; readonly test: TestEnd };

/** What the process of a test file is told. */
export interface ChildTask {
  readonly tested: TestedFunction;
  /** Where packages are that the project need not install: file URLs by name. */
  readonly packages: Readonly<Record<string, string>>;
}

/** The descriptor that lines are written to. */
export const LINE_FD = 3;
