import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Digest, digestOfHex } from '../../../guest-sdk/protocol/index.ts';
import type { Artifact } from '../../../runtime/component/index.ts';
import { TranslatedAhead } from '../../../runtime/provision/translated-ahead.ts';

const ahead = suite('a component that is translated while data comes');

const digest = (digit: string): Digest => digestOfHex(digit.repeat(64));

/** A compiler that takes as long as its signal lets it, and remembers what it was asked for. */
function compiler(asked: Digest[]) {
  const compile = async (_: unknown, component: Digest, signal?: AbortSignal): Promise<Artifact> => {
    asked.push(component);
    await new Promise((resolve) => signal!.addEventListener('abort', resolve, { once: true }));
    throw signal!.reason;
  };
  return { data: { blobs: {} as never }, compiler: { compile } };
}

ahead('is one of a package, and ends with it', async () => {
  const asked: Digest[] = [];
  const translated = new TranslatedAhead(compiler(asked), undefined);
  translated.begin(digest('a'));
  translated.begin(digest('b'));
  assert.equal(asked, [digest('a')]);
  await translated.giveUp();
  await new TranslatedAhead(compiler(asked), undefined).giveUp();
});

ahead('ends when the publish does', async () => {
  const stop = new AbortController();
  const translated = new TranslatedAhead(compiler([]), stop.signal);
  translated.begin(digest('a'));
  stop.abort(new Error('the caller left'));
  await translated.giveUp();
});

ahead.run();
