import { readFile } from 'node:fs/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ERRORS } from '../../../guest-sdk/protocol/errors.ts';

const errors = suite('the error table');

errors('is in the README, row by row', async () => {
  const text = await readFile(new URL('../../../guest-sdk/protocol/README.md', import.meta.url), 'utf8');
  const yes = (is: boolean): string => (is ? 'yes' : '');
  const rows = Object.entries(ERRORS).map(
    ([code, { status, title, fault, retryable, poisons }]) =>
      `| \`${code}\` | ${status} | ${title} | ${fault} | ${yes(retryable)} | ${yes(poisons)} |`,
  );
  assert.equal(
    text.split('\n').filter((line) => /^\| `[a-z-]+` \| \d{3} \|/.test(line)),
    rows,
  );
});

errors.run();
