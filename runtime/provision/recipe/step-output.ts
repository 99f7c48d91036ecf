/** Longest line that is passed on whole, in characters: a guest may write without end. */
const MAX_LINE = 4096;

/** What a step writes: passed on in whole lines, and its end kept. */
export class StepOutput {
  readonly #say: (lines: string) => void;
  readonly #keepBytes: number;
  readonly #decoder = new TextDecoder();
  #kept = '';
  #line = '';

  constructor(say: (lines: string) => void, keepBytes: number) {
    this.#say = say;
    this.#keepBytes = keepBytes;
  }

  /** The end of what was written. */
  get text(): string {
    return this.#kept;
  }

  push(bytes: Uint8Array): void {
    this.#take(this.#decoder.decode(bytes, { stream: true }));
  }

  /** Nothing follows: an unfinished line is passed on. */
  end(): void {
    this.#take(this.#decoder.decode());
    if (this.#line !== '') this.#say(`${this.#line}\n`);
    this.#line = '';
  }

  #take(text: string): void {
    // Progress bars write over their line; other control characters would be a terminal's business, and this goes to people's.
    const plain = text.replaceAll(/\r+\n?/g, '\n').replaceAll(/[^\P{Cc}\n\t]/gu, '');
    this.#kept = (this.#kept + plain).slice(-this.#keepBytes);
    const lines = this.#line + plain;
    const whole = lines.lastIndexOf('\n') + 1;
    this.#line = lines.slice(whole);
    if (whole > 0) this.#say(lines.slice(0, whole));
    if (this.#line.length > MAX_LINE) {
      this.#say(`${this.#line}\n`);
      this.#line = '';
    }
  }
}
