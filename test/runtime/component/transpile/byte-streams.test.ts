import { readFile } from 'node:fs/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { generateGlue } from '../../../../runtime/component/transpile/generator.ts';
import { guest } from '../../../support/guest.ts';

const streams = suite('streams of bytes that a guest reads of the host');

const { glue } = await generateGlue(await readFile(await guest('http-p3')), 'async', { imports: [], exports: [] });

/** What the glue has for them, as it stands there. */
const piece = (from: string, to: string): string => glue.slice(glue.indexOf(from), glue.indexOf(to));
const parts = [
  piece('const joined$ = ', 'class ManagedBuffer'),
  piece('class PendingValueQueue', 'function _genReadFnFromLowerableStream'),
];
const inject = new Function('_trackHostOperation', `${parts.join('\n')}\nreturn _genStreamHostInjectFn;`)(
  (operation: () => unknown) => operation(),
) as (ends: object) => (read: { readonly count: number }) => Promise<unknown>;

/** A stream whose source waits to be answered, and whose reader notes what it is given. */
function open() {
  const given: string[] = [];
  let [isReading, dropped] = [true, false];
  let answer: (read: { readonly value?: Uint8Array; readonly done: boolean }) => void = () => assert.unreachable();
  let rebuffer: (items: Uint8Array) => void = () => assert.unreachable();
  let cancel = (): boolean => false;
  const read = inject({
    readFn: () => new Promise((resolve) => (answer = resolve)),
    readEnd: {
      hasPendingEvent: () => !isReading,
      getPendingBufferMeta: () => ({ buffer: isReading ? { remaining: () => 100 } : undefined }),
      setHostCancelFn: (fn: () => boolean) => (cancel = fn),
    },
    hostWriteEnd: {
      hasPendingEvent: () => false,
      getElemMeta: () => ({ isNumeric: true, payloadTypeName: 'U8' }),
      setSourceRebufferFn: (fn: typeof rebuffer) => (rebuffer = fn),
      isDoneState: () => false,
      writeMany: async (bytes: Uint8Array, { dropAfterCopy = false } = {}) => {
        given.push(Buffer.from(bytes).toString());
        dropped ||= dropAfterCopy;
      },
    },
  });
  return {
    given,
    read,
    answer: (text: string | null) => answer(text === null ? { done: true } : { value: Buffer.from(text), done: false }),
    giveBack: (text: string) => rebuffer(Buffer.from(text)),
    /** The guest gives up its read; whether it was given something yet. */
    cancel: () => {
      const wasGiven = cancel();
      isReading = false;
      return wasGiven;
    },
    readAgain: () => {
      isReading = true;
      return read({ count: 100 });
    },
    wasDropped: () => dropped,
  };
}

streams('stay in order when a read is cancelled while more than one piece is at hand', async () => {
  const { given, read, answer, giveBack, cancel, readAgain } = open();
  giveBack('second');
  giveBack('first, ');
  const cancelled = read({ count: 100 });
  assert.not(cancel());
  answer(', third');
  await cancelled;
  const again = readAgain();
  answer(null);
  await again;
  assert.is(given.join(''), 'first, second, third');
});

streams('end with their last piece, also when the source ended while a read was cancelled', async () => {
  const { given, read, answer, giveBack, cancel, readAgain, wasDropped } = open();
  giveBack('second');
  const cancelled = read({ count: 100 });
  cancel();
  answer(null);
  await cancelled;
  giveBack('first, ');
  await readAgain();
  assert.equal(given, ['first, second']);
  assert.ok(wasDropped());
});

streams.run();
