/**
 * Failed files once more at the end of a run: who keeps logs cuts long ones in their middle, and what failed must be in what is left.
 */
import type { Outcome } from './test-process.ts';

/** What is repeated of one file, and of all together, characters. */
const MAX_FILE = 4000;
const MAX_ALL = 24_000;
/** With fewer characters than this nothing can be told of a file. */
const LEAST = 200;
/** How uvu begins a case that failed. */
const FIRST_FAILURE = /^ {3}FAIL {2}/m;

/** The failures of all files that have any, in the order given, bounded; empty when there are none. Pure. */
export function failureText(outcomes: readonly Outcome[]): string {
  let left = MAX_ALL;
  const texts: string[] = [];
  const failed = outcomes.filter((outcome) => outcome.failed > 0);
  for (const outcome of failed) {
    if (left < LEAST) break;
    const text = textOf(outcome, Math.min(MAX_FILE, left));
    left -= text.length;
    texts.push(text);
  }
  const untold = failed.slice(texts.length).map(({ file }) => file.path);
  if (untold.length > 0) texts.push(`and ${untold.length} more, told above: ${cut(untold.join(', '), 2000)}\n`);
  return texts.join('\n');
}

function textOf({ file, passed, failed, complaint, output }: Outcome, most: number): string {
  const head = `✗ ${file.path}  ${passed} passed, ${failed} failed${complaint === null ? '' : `: ${complaint}`}\n`;
  return `${head}${cut(told(output), most).replace(/^(?=.)/gm, '    ')}\n`;
}

/** From the first case that failed on; without one, all of it: the file ended before its cases did. */
function told(output: string): string {
  const first = FIRST_FAILURE.exec(output);
  return (first === null ? output : output.slice(first.index)).trimEnd();
}

/** The beginning and the end of a text, with what is left out between them said. */
function cut(text: string, most: number): string {
  if (text.length <= most) return text;
  const half = Math.floor(most / 2);
  return `${text.slice(0, half)}\n… ${text.length - 2 * half} characters left out …\n${text.slice(-half)}`;
}
