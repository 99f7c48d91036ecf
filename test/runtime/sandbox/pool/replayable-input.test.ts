import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { REPLAY_BYTES, ReplayableInput } from '../../../../runtime/sandbox/pool/replayable-input.ts';

/** A source that gives one part at a time, when the test says so, and knows whether it was stopped. */
class Source implements AsyncIterable<Uint8Array> {
  readonly asked: (() => void)[] = [];
  stopped = false;
  readonly #parts: Uint8Array[];

  constructor(parts: readonly (string | Uint8Array)[]) {
    this.#parts = parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : part));
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    return {
      next: () =>
        new Promise((resolve) => {
          this.asked.push(() => {
            const value = this.#parts.shift();
            resolve(value === undefined ? { done: true, value } : { done: false, value });
          });
        }),
      return: async () => {
        this.stopped = true;
        return { done: true, value: undefined };
      },
    };
  }

  give(): void {
    this.asked.shift()?.();
  }
}

const iterate = (input: ReturnType<ReplayableInput['open']>) =>
  (input as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
const textOf = ({ value }: IteratorResult<Uint8Array>) => (value === undefined ? null : Buffer.from(value).toString());
const turn = () => new Promise(setImmediate);

const replay = suite('a replayable input');

replay('is the bytes themselves when they are at hand', () => {
  const bytes = Buffer.from('all');
  const input = new ReplayableInput(bytes);
  assert.is(input.open(), bytes);
  assert.is(input.open(), bytes);
});

replay('gives a second reader everything from the start, also what the first was waiting for', async () => {
  const source = new Source(['a', 'b', 'c']);
  const input = new ReplayableInput(source);
  const first = iterate(input.open());
  const a = first.next();
  source.give();
  assert.is(textOf(await a), 'a');
  const lost = first.next();
  await turn();
  const second = iterate(input.open());
  assert.is(textOf(await second.next()), 'a');
  const b = second.next();
  source.give();
  assert.is(textOf(await b), 'b');
  assert.is(textOf(await lost), null);
  const c = second.next();
  await turn();
  source.give();
  assert.is(textOf(await c), 'c');
  const end = second.next();
  await turn();
  source.give();
  assert.ok((await end).done);
  assert.not(source.stopped);
});

replay('is gone after it gave more than is kept, and its reader still gets all of it', async () => {
  const source = new Source([new Uint8Array(REPLAY_BYTES), 'last']);
  const input = new ReplayableInput(source);
  const reader = iterate(input.open());
  const step = reader.next();
  source.give();
  assert.is((await step).value.length, REPLAY_BYTES);
  assert.ok(input.intact);
  const last = reader.next();
  await turn();
  source.give();
  assert.is(textOf(await last), 'last');
  assert.not(input.intact);
  assert.throws(() => input.open(), 'cannot be read again');
});

replay('does not stop its source when a reader leaves that another may follow', async () => {
  const source = new Source(['a', 'b']);
  const input = new ReplayableInput(source);
  const reader = iterate(input.open());
  const step = reader.next();
  source.give();
  await step;
  await reader.return?.();
  assert.not(source.stopped);
  input.discard();
  assert.ok(source.stopped);
});

replay('stops its source when the last reader leaves', async () => {
  const source = new Source(['a', 'b']);
  const input = new ReplayableInput(source);
  const reader = iterate(input.open());
  const step = reader.next();
  source.give();
  await step;
  input.release();
  await reader.return?.();
  assert.ok(source.stopped);
});

replay('stops a source that nobody began to read', () => {
  const source = new Source(['a']);
  new ReplayableInput(source).discard();
  assert.ok(source.stopped);
});

replay('passes on why its source failed', async () => {
  async function* failing(): AsyncGenerator<Uint8Array> {
    yield Buffer.from('a');
    throw new Error('the caller broke off');
  }
  const reader = iterate(new ReplayableInput(failing()).open());
  await reader.next();
  try {
    await reader.next();
    assert.unreachable();
  } catch (error) {
    assert.match((error as Error).message, 'broke off');
  }
});

replay.run();
