import { formatSize } from './size.ts';

/** Where progress goes; stderr, so that stdout holds results only. */
export interface ProgressOutput {
  readonly isTTY?: boolean;
  /** 0 on a terminal that does not know its width. */
  readonly columns?: number;
  write(text: string): unknown;
}

/** Shows how far long work is: a line that is redrawn on a terminal, lines that stay in a pipe. */
export interface Progress {
  /** What is being done now, in a word or two. */
  readonly stage: (name: string) => void;
  /** How far the present stage is; shown as a bar on a terminal only. */
  readonly amount: (done: number, total: number, estimateS?: number | null) => void;
  /** Says something that stays. */
  readonly note: (line: string) => void;
  /** Takes the redrawn line away. Idempotent. */
  readonly clear: () => void;
}

/** How often the bar is drawn at most, milliseconds. */
const REDRAW_MS = 50;

/** Starts to show progress of work on `subject`. */
export function showProgress(subject: string, output: ProgressOutput = process.stderr): Progress {
  const terminal = output.isTTY === true;
  let current = '';
  let drawnAt = Number.NEGATIVE_INFINITY;
  let drawn = false;
  const draw = (line: string): void => {
    output.write(`\r\x1b[K${line}`);
    drawn = true;
    drawnAt = performance.now();
  };
  return {
    stage: (name) => {
      if (name === current) return;
      current = name;
      // A line that wraps could not be redrawn.
      if (terminal) draw(`${subject}: ${name} …`.slice(0, (output.columns || 80) - 1));
      else output.write(`${subject}: ${name}\n`);
    },
    amount: (done, total, estimateS = null) => {
      if (!terminal || (done < total && performance.now() - drawnAt < REDRAW_MS)) return;
      const left = estimateS === null || done >= total ? '' : `, ${formatSeconds(estimateS)} left`;
      draw(progressLine(`${subject}: ${current}${left}`, done, total, output.columns || 80));
    },
    note: (line) => {
      output.write(terminal ? `\r\x1b[K${subject}: ${line}\n` : `${subject}: ${line}\n`);
      drawn = false;
    },
    clear: () => {
      if (drawn) output.write('\r\x1b[K');
      drawn = false;
    },
  };
}

/** Seconds for people: `4 s`, `2 min`. */
function formatSeconds(seconds: number): string {
  return seconds < 90 ? `${Math.max(1, Math.round(seconds))} s` : `${Math.round(seconds / 60)} min`;
}

/** A label, a bar and the amounts, in at most `columns` characters. */
export function progressLine(label: string, done: number, total: number, columns: number): string {
  const share = total <= 0 ? 1 : Math.min(1, Math.max(0, done / total));
  const amounts = `${formatSize(Math.min(done, total))} of ${formatSize(total)}`;
  const width = Math.min(30, columns - label.length - amounts.length - 5);
  if (width < 5) return `${label} ${Math.floor(share * 100)} %`.slice(0, Math.max(0, columns - 1));
  const full = Math.floor(share * width);
  return `${label} [${'='.repeat(full)}${' '.repeat(width - full)}] ${amounts}`;
}
