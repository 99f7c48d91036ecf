import type { DevelopEvent } from '../../../guest-sdk/build/index.ts';
import type { LogLine } from '../../../guest-sdk/protocol/index.ts';
import { codeFrame } from '../terminal/code-frame.ts';
import { logText } from '../terminal/log-text.ts';
import { printable } from '../terminal/printable.ts';
import type { FrontRequest } from './front.ts';

/** Paths of a change that are named; more are counted. */
const NAMED = 3;

/** What a person sees of a function that is developed: one line for each thing that happens. */
export class DevView {
  readonly #say: (line: string) => void;
  readonly #folder: string;
  readonly #now: () => Date;
  #changed = '';
  #serves = false;

  constructor(say: (line: string) => void, folder: string, now: () => Date = () => new Date()) {
    this.#say = say;
    this.#folder = folder;
    this.#now = now;
  }

  event(event: DevelopEvent): void {
    switch (event.kind) {
      case 'building':
        this.#changed = changedWords(event.changed);
        return;
      case 'warning':
        this.#line(`warning: ${printable(event.text.trimEnd())}`);
        return;
      case 'served': {
        this.#serves = true;
        const took = `served after ${Math.round(event.ms)} ms (build ${Math.round(event.buildMs)} ms)`;
        this.#line(`${this.#changed}${took}`);
        return;
      }
      case 'failed': {
        const words = printable(event.error.message);
        const frame = codeFrame(words, this.#folder);
        this.#line(`${this.#changed}✘ ${words}${frame === null ? '' : `\n\n${frame}\n`}`);
        this.#line(
          this.#serves
            ? 'what was served before goes on'
            : 'nothing is served yet; it is built again when a file changes',
        );
        return;
      }
      default:
        event satisfies never;
    }
  }

  request({ method, path, status, ms }: FrontRequest): void {
    this.#line(`${printable(method)} ${printable(path)} ${status} ${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`);
  }

  log(line: LogLine): void {
    for (const text of logText(line).split('\n')) this.#line(`│ ${text}`);
  }

  note(text: string): void {
    this.#line(text);
  }

  #line(text: string): void {
    this.#say(`${this.#now().toTimeString().slice(0, 8)} ${text}`);
  }
}

function changedWords(paths: readonly string[]): string {
  if (paths.length === 0) return '';
  const named = paths.slice(0, NAMED).map(printable).join(', ');
  return `${named}${paths.length > NAMED ? ` and ${paths.length - NAMED} more` : ''} changed: `;
}
