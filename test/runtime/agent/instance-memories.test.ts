// end to end
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { CloudletError } from '../../../guest-sdk/protocol/index.ts';
import { BuiltFunction } from '../../support/built-function.ts';

const memories = suite<{ folder: string; fn: BuiltFunction }>('memory that a guest is not given');

const PROGRAM = `#include <stdlib.h>
int main(int count, char **words) {
  char *volatile memory = malloc(atoi(words[1]) * 1048576u);
  if (memory != NULL) return memory[0] = 7, memory[0] - 7;
  if (count > 2) __builtin_trap();
  return 3;
}
`;

memories.before(async (context) => {
  context.folder = await mkdtemp(join(tmpdir(), 'cloudlet-test-memory-'));
  await writeFile(join(context.folder, 'main.c'), PROGRAM);
  const project = { name: 'needy', entry: 'main.c', limits: { memoryMib: 16 } };
  await writeFile(join(context.folder, 'cloudlet.json'), JSON.stringify(project));
  context.fn = await BuiltFunction.open(context.folder);
});
memories.after(async ({ fn, folder }) => {
  await fn.close();
  await rm(folder, { recursive: true });
});

const REASON = `had asked for more memory than its limit, 16 MiB: raise "memoryMib", and the host's (--policy) if that is less`;

memories('is why it trapped, in the error', async ({ fn }) => {
  const error = await fn.run(['64', 'trap']).then(
    () => assert.unreachable(),
    (thrown: unknown) => thrown as CloudletError,
  );
  assert.is(error?.code, 'guest-trapped');
  assert.ok(error?.message.includes(`; it ${REASON}`), error?.message);
});

memories('is why it ended with another status than 0, in its log', async ({ fn }) => {
  const { status, stderr } = await fn.run(['64']);
  assert.is(status, 3);
  assert.is(stderr, `… it ended with status 3; it ${REASON}\n`);
});

memories('is not spoken of when all went well, nor in the next invocation', async ({ fn }) => {
  assert.equal(await fn.run(['8']).then(({ status, stderr }) => [status, stderr]), [0, '']);
});

memories.run();
