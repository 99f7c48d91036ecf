import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { missingTools } from '../../guest-sdk/build/index.ts';
import { BuiltFunction } from '../support/built-function.ts';

const FOLDER = fileURLToPath(new URL('../../examples/hello/', import.meta.url));

const hello = suite('the example "hello"');
let fn: BuiltFunction;

hello.before(async () => {
  fn = await BuiltFunction.open(FOLDER);
});
hello.after(() => fn.close());

hello('needs no tool beyond this package', async () => assert.is(await missingTools(FOLDER), null));

hello('greets', async () => {
  const { status, text } = await fn.http('/');
  assert.equal([status, text], [200, 'Hello, cloudlet!\n']);
  assert.is((await fn.http('/?name=Ada%20Lovelace')).text, 'Hello, Ada Lovelace!\n');
});

hello('sends a body back', async () => {
  const body = Buffer.alloc(300_000, 'again ');
  const { text } = await fn.http('/echo', { method: 'POST', body });
  assert.is(text, body.toString());
});

hello.run();
