/** How one test ended, before anybody looked at what was expected of it. */
export type Result =
  | { readonly kind: 'passed' /** What it wrote. */; readonly said?: string }
  | { readonly kind: 'failed'; readonly detail: string }
  | { readonly kind: 'skipped'; readonly detail: string };

/** One test and how it ended. */
export interface Outcome {
  readonly suite: string;
  readonly test: string;
  readonly result: Result;
  /** Why it may fail, from the file of expectations; null when it has to pass. */
  readonly expected: string | null;
}

/** What a run comes to. */
export interface Summary {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** Failures that nobody expected, and expected ones that did not come: each makes the run a failure. */
  readonly unexpected: number;
}

/** Counts outcomes. */
export function summaryOf(outcomes: readonly Outcome[]): Summary {
  const count = (kind: Result['kind']) => outcomes.filter(({ result }) => result.kind === kind).length;
  return {
    passed: count('passed'),
    failed: count('failed'),
    skipped: count('skipped'),
    unexpected: outcomes.filter(isUnexpected).length,
  };
}

/** Whether an outcome makes the run a failure. */
export function isUnexpected({ result, expected }: Outcome): boolean {
  if (result.kind === 'skipped') return false;
  return (result.kind === 'failed') !== (expected !== null);
}

/** The line of an outcome, or null for one that went as it should. */
export function lineOf(outcome: Outcome): string | null {
  const name = `${outcome.suite} ${outcome.test}`;
  const { result, expected } = outcome;
  if (result.kind === 'failed' && expected !== null) return `expected  ${name}: ${oneLine(expected)}`;
  if (result.kind === 'failed') return `FAILED    ${name}: ${oneLine(result.detail)}`;
  if (result.kind === 'passed' && expected !== null)
    return `UNEXPECTED PASS  ${name}: remove it from the file of expectations (${oneLine(expected)})`;
  return null;
}

/** The last line of a run. */
export function totalLine({ passed, failed, skipped }: Summary): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}

function oneLine(text: string): string {
  const line = text.trim().replace(/\s*\n\s*/g, ' | ');
  return line.length > 600 ? `${line.slice(0, 600)}…` : line;
}
