import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { collectionsOf } from '../../support/collections.ts';

const flags = suite('how an agent collects');

const FLAGS = new URL('../../../runtime/agent/collection-flags.ts', import.meta.url).href;

flags('what is old grows to five times what lives, and what is young is collected while it is marked', async () => {
  const first = `(await import(${JSON.stringify(FLAGS)})).collectSeldom();`;
  // Marked by helpers, they are before anything young is to be collected, at times.
  const { old, meanwhile, factors } = await collectionsOf(
    ['--max-semi-space-size=1', '--no-concurrent-marking'],
    first,
  );
  assert.ok(old > 1 && meanwhile > 0, `${old} and ${meanwhile}`);
  assert.equal(new Set(factors), new Set(['5.0']));
});

flags.run();
