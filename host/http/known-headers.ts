import type { HeaderPair } from '../../runtime/index.ts';
import { AnswerFields } from './whole-answer.ts';

/** Lists of header fields that are remembered, and the most bytes of one: functions choose them. */
const MOST_LISTS = 8;
const MOST_BYTES = 2 * 1024;

/** Of lists that come one after the other and are not known, one in so many is remembered: where each answer has another, to remember is in vain. */
const STRANGE_EACH = 64;

interface Known {
  readonly pairs: readonly HeaderPair[];
  readonly answer: AnswerFields;
}

/** Lists of header fields that were made safe: the answers of a function nearly all have the same, which need not be looked through again. */
export class KnownHeaders {
  readonly #known: Known[] = [];
  #next = 0;
  /** Lists that came since one was known. */
  #strange = 0;

  /** Fields made safe; the same object for the same fields. `guest-response-invalid` when they are not HTTP or too many. */
  of(pairs: readonly HeaderPair[]): AnswerFields {
    for (const known of this.#known) {
      if (!areSame(known.pairs, pairs)) continue;
      this.#strange = 0;
      return known.answer;
    }
    const answer = new AnswerFields(pairs);
    if (this.#strange < MOST_LISTS || this.#strange % STRANGE_EACH === 0) this.#remember(pairs, answer);
    this.#strange += 1;
    return answer;
  }

  #remember(pairs: readonly HeaderPair[], answer: AnswerFields): void {
    let bytes = 0;
    for (const [name, value] of pairs) bytes += name.length + value.length;
    if (bytes > MOST_BYTES) return;
    // A copy: their bytes are a part of all that was read with them.
    const kept = pairs.map(([name, value]): HeaderPair => [name, new Uint8Array(value)]);
    this.#known[this.#next] = { pairs: kept, answer };
    this.#next = (this.#next + 1) % MOST_LISTS;
  }
}

function areSame(some: readonly HeaderPair[], others: readonly HeaderPair[]): boolean {
  if (some.length !== others.length) return false;
  for (let at = 0; at < some.length; at += 1) {
    const [[name, value], [otherName, otherValue]] = [some[at]!, others[at]!];
    if (name !== otherName || value.length !== otherValue.length) return false;
    for (let byte = 0; byte < value.length; byte += 1) if (value[byte] !== otherValue[byte]) return false;
  }
  return true;
}
