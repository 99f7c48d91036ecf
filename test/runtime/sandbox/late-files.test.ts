// end to end
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CloudletError } from '../../../guest-sdk/protocol/index.ts';
import type { LateContent, SentDirectory } from '../../../runtime/agent/wire.ts';
import { type Sandbox, startSandbox } from '../../../runtime/sandbox/index.ts';
import { EMPTY } from '../../support/pool-lab.ts';
import { artifactOf, finish, startTestProcess, TEST_GRANT } from '../../support/sandbox-lab.ts';

const files = suite('files that come after the load');

/** Content whose bytes the test gives; says when a guest wants it. */
function content(...pieces: readonly number[]) {
  const settled = pieces.map(() => {
    const each = Promise.withResolvers<Uint8Array>();
    each.promise.catch(() => {});
    return { ...each, wanted: Promise.withResolvers<void>() };
  });
  const late: LateContent = {
    ...{ length: pieces.reduce((sum, bytes) => sum + bytes, 0), pieces, here: null },
    whenHere: (piece) => settled[piece]!.promise,
    want: (piece) => settled[piece]!.wanted.resolve(),
  };
  return {
    late,
    wanted: settled[0]!.wanted.promise,
    reject: (error: Error) => settled[0]!.reject(error),
    give: (text: string, piece = 0) => settled[piece]!.resolve(new TextEncoder().encode(text)),
  };
}

const TEXT = 'x'.repeat(100_000);

async function opened() {
  const [first, second] = [content(TEXT.length), content(6)];
  const directory: SentDirectory = {
    ...{ path: '/data', at: ['data'], writable: false },
    files: [
      { names: ['here'], bytes: new TextEncoder().encode('here') },
      { names: ['first'], bytes: first.late },
      { names: ['second'], bytes: second.late },
    ],
  };
  const scratch = content(3, 4);
  const tmp: SentDirectory = {
    ...{ path: '/tmp', at: ['tmp'], writable: true },
    files: [{ names: ['own'], bytes: scratch.late }],
  };
  const sandbox = await startSandbox({ kind: 'process', startMachine: () => startTestProcess(2) });
  const grant = { ...TEST_GRANT, scratch: [{ path: '/tmp', bytes: 1000, from: null }] };
  await sandbox.load({ program: 'p', artifact: await artifactOf('reader'), grant, files: [directory, tmp] });
  return { sandbox, first, second, scratch };
}

const run = (sandbox: Sandbox, words: readonly string[], deadlineMs = 20_000) =>
  finish(sandbox.invoke({ door: 'run', arguments: words }, EMPTY, { deadlineMs, log: () => {} }));

files('are listed with their lengths at once, and those that are here are read', async () => {
  const { sandbox } = await opened();
  const { text } = await run(sandbox, ['list', '/data', 'stat', '/data/first', 'read', '/data/here']);
  assert.is(text, '/data has 3 entries\n/data/first has 100000 bytes\n/data/here: here\n');
  await sandbox.close();
});

files('are waited for by who reads them, in whatever order they come', async () => {
  const { sandbox, first, second, scratch } = await opened();
  const call = run(sandbox, ['read', '/data/second', 'read', '/data/first', 'read', '/tmp/own']);
  await second.wanted;
  first.give(TEXT);
  // Another worker serves meanwhile.
  assert.is((await run(sandbox, ['read', '/data/first'])).text, `/data/first: ${TEXT}\n`);
  second.give('second');
  await scratch.wanted;
  scratch.give('atch', 1);
  scratch.give('scr');
  assert.is((await call).text, `/data/second: second\n/data/first: ${TEXT}\n/tmp/own: scratch\n`);
  await sandbox.close();
});

files('are waited for until the deadline, which costs no worker', async () => {
  const { sandbox, second } = await opened();
  const failed = await run(sandbox, ['read', '/data/second'], 300).catch((error: CloudletError) => error);
  assert.is(failed instanceof CloudletError && failed.code, 'deadline-exceeded');
  second.give('second');
  assert.is((await run(sandbox, ['read', '/data/second'])).text, '/data/second: second\n');
  assert.is(sandbox.state, 'ready');
  await sandbox.close();
});

files('that do not come end who waits for them with the reason, and the sandbox', async () => {
  const { sandbox, second } = await opened();
  const call = run(sandbox, ['read', '/data/second']).catch((error: CloudletError) => error);
  await second.wanted;
  second.reject(new CloudletError('files-missing', 'the device left'));
  const failed = await call;
  assert.is(failed instanceof CloudletError && failed.code, 'files-missing');
  assert.match(String(failed), 'the device left');
  assert.is.not(sandbox.state, 'ready');
  await sandbox.close();
});

files.run();
