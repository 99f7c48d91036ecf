import { closeSync, openSync } from 'node:fs';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { notBefore, openDescriptors } from './bench/left-behind.ts';

const left = suite('what a soak names of what was left');

left('is what was not there, or is something else now', () => {
  const before = new Map([
    [3, '/a'],
    [4, '/b'],
  ]);
  const after = new Map([
    [4, '/c'],
    [5, '/a'],
  ]);
  assert.equal(notBefore(before, after), ['4 /c', '5 /a']);
  assert.equal(notBefore(after, after), []);
});

left('says which file a descriptor is of, and what kind of socket', async () => {
  const before = openDescriptors();
  const path = fileURLToPath(import.meta.url);
  const fd = openSync(path, 'r');
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const found = notBefore(before, openDescriptors());
  closeSync(fd);
  await new Promise((resolve) => server.close(resolve));
  assert.ok(found.includes(`${fd} ${path}`), found.join());
  assert.ok(
    found.some((each) => /socket:\[\d+\] tcp 0100007F:/.test(each)),
    found.join(),
  );
});

left.run();
