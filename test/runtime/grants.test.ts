// end to end
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  CloudletError,
  type ErrorCode,
  type GrantRequest,
  parseName,
  writePackage,
} from '../../guest-sdk/protocol/index.ts';
import { collectBytes } from '../../runtime/invocation/limited-bytes.ts';
import { bodyOf, type CloudletLab, guestBytes, openLab } from '../support/cloudlet-lab.ts';

const grants = suite('a cloudlet and what its functions ask for');
const name = parseName;
const bytes = (text: string) => new TextEncoder().encode(text);

let lab: CloudletLab;
grants.before(async () => {
  lab = await openLab({ limits: { memoryMib: 64 }, policy: { scratchBytes: 1000, maxima: { deadlineMs: 20_000 } } });
});
grants.after(() => lab.close());

const FILES = [
  ['assets/a.txt', bytes('packaged')],
  ['seed/b.txt', bytes('seeded')],
  ['large/c.bin', new Uint8Array(1500)],
] as const;

async function packed(grant: GrantRequest, guest = 'cat') {
  const { digest, pieces } = await writePackage({ component: await guestBytes(guest), grant, files: FILES });
  return { digest, tar: Buffer.concat(pieces) };
}

async function publish(grant: GrantRequest, as = 'cat', guest = 'cat') {
  const { tar } = await packed(grant, guest);
  return lab.cloudlet.publish(name(as), bodyOf(tar), { contentLength: tar.length });
}

async function run(words: readonly string[], as = 'cat'): Promise<string> {
  const invocation = await lab.cloudlet.invoke(name(as), { door: 'run', arguments: words }, new Uint8Array(0));
  const chunks: Uint8Array[] = [];
  for await (const chunk of invocation.output) chunks.push(chunk);
  const { exitCode } = await invocation.done;
  return `${Buffer.concat(chunks).toString()}${exitCode === 0 ? '' : `status ${exitCode}`}`;
}

async function refused(work: Promise<unknown>, code: ErrorCode, sentence: string): Promise<void> {
  const error = await work.then(
    () => assert.unreachable('expected a refusal'),
    (thrown: unknown) => thrown,
  );
  assert.instance(error, CloudletError);
  assert.is((error as CloudletError).code, code, (error as CloudletError).message);
  assert.ok((error as CloudletError).message.includes(sentence), (error as CloudletError).message);
}

grants('a package is published under the digest of its manifest, and once', async () => {
  const grant = { files: [{ path: '/data', from: 'assets' }], scratch: { path: '/tmp', bytes: 100 } };
  const { digest } = await packed(grant);
  const first = await publish(grant);
  assert.equal([first.digest, first.version, first.created], [digest, 1, true]);
  assert.is((await publish(grant)).created, false);
  const info = await lab.cloudlet.function(name('cat'));
  assert.equal(info.grant.files, grant.files);
  assert.equal(info.reduced, []);
  assert.ok(
    info.ungranted!.some((each) => each.startsWith('wasi:sockets/')) ===
      info.imports.some((each) => each.startsWith('wasi:sockets/')),
  );
  assert.not(info.ungranted!.some((each) => each.startsWith('wasi:filesystem/')));
  const stored = await lab.cloudlet.component(name('cat'));
  assert.is(stored.digest, info.component);
  assert.is(stored.sizeBytes, (await guestBytes('cat')).length);
});

grants('the guest reads its files, and writes to scratch that the next invocation does not see', async () => {
  assert.is(await run(['file', '/data/a.txt']), 'packaged');
  assert.is(await run(['write', '/tmp/new']), '');
  assert.is(await run(['file', '/tmp/new']), 'status 66');
  assert.is(await run(['write', '/data/a.txt']), 'status 73');
  assert.is(await run(['write', '/data/new']), 'status 73');
  assert.is(await run(['file', '/data/../etc/passwd']), 'status 66');
});

grants('scratch begins with what the package has for it, as a directory of any name', async () => {
  await publish({ scratch: { path: 'work.dir', bytes: 100, from: 'seed' } }, 'seeded');
  assert.is(await run(['file', 'work.dir/b.txt'], 'seeded'), 'seeded');
  assert.is(await run(['write', 'work.dir/b.txt'], 'seeded'), '');
  assert.is(await run(['file', 'work.dir/b.txt'], 'seeded'), 'seeded');
});

grants('environment and arguments are what was asked for, and nothing of the host', async () => {
  await publish({ environment: { MODE: 'fast', EMPTY: '' }, arguments: ['env'] }, 'asked');
  assert.is(await run([], 'asked'), 'MODE=fast\nEMPTY=\n');
});

grants('less is granted than the policy allows, which is told', async () => {
  const { warnings } = await publish(
    { scratch: { path: '/tmp', bytes: 5000 }, limits: { memoryMib: 512, deadlineMs: 60_000 }, http: ['a.org'] },
    'greedy',
  );
  assert.equal(warnings, [
    "scratch.0.bytes: asked for 5000, granted 1000; this cloudlet's policy allows no more (--policy)",
    "limits.memoryMib: asked for 512, granted 64; this cloudlet's policy allows no more (--policy)",
    "limits.deadlineMs: asked for 60000, granted 20000; this cloudlet's policy allows no more (--policy)",
    'http: asked for, but the component does not import wasi:http/outgoing-handler, so it makes no use of it',
  ]);
  const { grant, reduced } = await lab.cloudlet.function(name('greedy'));
  assert.equal([grant.limits.memoryMib, grant.limits.deadlineMs, reduced!.length], [64, 20_000, 3]);
});

grants('a limit that was asked for holds', async () => {
  await publish({ limits: { deadlineMs: 50 } }, 'short');
  await refused(run(['spin'], 'short'), 'deadline-exceeded', 'within 50 ms');
  await publish({ limits: { cpuMs: 30 } }, 'lazy');
  await refused(run(['spin'], 'lazy'), 'cpu-exceeded', 'more than 30 ms of processor time');
  await publish({ limits: { bodyBytes: 3 } }, 'small');
  const large = lab.cloudlet.invoke(name('small'), { door: 'run', arguments: [] }, bytes('four'));
  await refused(large, 'body-too-large', 'at most 3 bytes, got 4');
  await publish({ limits: { logBytes: 1000 } }, 'terse');
  for (let each = 0; each < 8; each += 1) await run(['stderr', `line ${each}`], 'terse');
  const kept: string[] = [];
  for await (const { text } of lab.cloudlet.logs(name('terse'))) kept.push(text);
  assert.equal(kept, ['line 4\n', 'line 5\n', 'line 6\n', 'line 7\n']);
});

grants('an answer is cut off where it becomes longer than it may, and the log says why', async () => {
  await publish({ limits: { answerBytes: 200_000 } }, 'wordy');
  const say = (bytes: number) =>
    lab.cloudlet.invoke(name('wordy'), { door: 'run', arguments: [] }, new Uint8Array(bytes));
  const within = await say(200_000);
  assert.is((await collectBytes(within.output)).length, 200_000);
  const beyond = await say(10_000_000);
  await refused(collectBytes(beyond.output), 'result-too-large', 'at most 200000 bytes, got more; answer with less');
  await refused(beyond.done, 'result-too-large', 'raise the function\'s "answerBytes"');
  const said: string[] = [];
  for await (const { stream, text } of lab.cloudlet.logs(name('wordy'))) if (stream === 'host') said.push(text);
  assert.equal(said, [
    'result-too-large: expected an answer of at most 200000 bytes, got more; answer with less, or raise the function\'s "answerBytes"',
  ]);
  assert.is(await run(['args', 'serves on'], 'wordy'), 'args\nserves on\n');
});

grants('an http answer that never ends is cut off', async () => {
  await publish({ limits: { answerBytes: 200_000 } }, 'echo', 'echo-http');
  let given = 0;
  async function* endless() {
    for (; ; given += 16_384) yield new Uint8Array(16_384);
  }
  const request = {
    door: 'http',
    method: 'POST',
    scheme: 'http',
    authority: 'a.test',
    path: '/echo',
    headers: [],
  } as const;
  const answer = await lab.cloudlet.invoke(name('echo'), request, endless());
  assert.is(answer.head?.status, 200);
  await refused(collectBytes(answer.output), 'result-too-large', 'at most 200000 bytes, got more');
  assert.ok(given < 2_000_000, `${given} bytes were taken`);
});

grants('what cannot be granted is refused, and leaves no blob', async () => {
  const before = (await blobs()).length;
  await refused(publish({ files: [{ path: '/x', from: 'nowhere' }] }, 'bad'), 'grant-invalid', 'found none');
  await refused(
    publish({ scratch: { path: '/tmp', bytes: 1600, from: 'large' } }, 'bad'),
    'grant-missing',
    "scratch /tmp begins with 1500 bytes, and this cloudlet's policy grants it 1000",
  );
  await refused(
    publish({ scratch: { path: '/tmp', bytes: 1400, from: 'large' } }, 'bad'),
    'grant-invalid',
    'expected at most 1400 bytes for scratch /tmp',
  );
  await refused(
    publish({ limits: { memory: 1 } } as GrantRequest, 'bad'),
    'grant-invalid',
    'limits.memory is not a known key',
  );
  const { tar } = await packed({});
  await refused(
    lab.cloudlet.publish(name('bad'), bodyOf(tar.subarray(0, tar.length - 2000))),
    'body-truncated',
    'more bytes',
  );
  await refused(
    lab.cloudlet.publish(name('bad'), bodyOf(tar), { contentLength: tar.length + 1 }),
    'body-truncated',
    'a body of',
  );
  await refused(lab.cloudlet.function(name('bad')), 'function-unknown', 'bad');
  assert.is((await blobs()).length, before);
});

grants('a secret that is not set is named with the command that sets it; set, it is in the environment', async () => {
  await publish({ secrets: ['token'], environment: { TOKEN: { secret: 'token' } }, arguments: ['env'] }, 'secretive');
  await refused(run([], 'secretive'), 'secret-missing', 'npx cloudlet secret set secretive token');
  await lab.cloudlet.setSecret(name('secretive'), 'token', bytes('s3cret'));
  assert.is(await run([], 'secretive'), 'TOKEN=s3cret\n');
  // A sandbox that runs gives the new value to what follows.
  await lab.cloudlet.setSecret(name('secretive'), 'token', bytes('rotated'));
  assert.is(await run([], 'secretive'), 'TOKEN=rotated\n');
  assert.equal((await lab.cloudlet.function(name('secretive'))).secretsSet, ['token']);
  assert.not.match(JSON.stringify(await lab.cloudlet.functions()), 'rotated');
});

grants('a secret is sealed on the disk, survives a restart, and goes with its function', async () => {
  const key = await stat(join(lab.dataDir, 'secrets-key'));
  assert.is(key.mode & 0o777, 0o600);
  await lab.reopen();
  for (const file of ['registry.sqlite', 'registry.sqlite-wal']) {
    const held = await readFile(join(lab.dataDir, file)).catch(() => Buffer.alloc(0));
    assert.is(held.includes('rotated'), false, file);
  }
  assert.is(await run([], 'secretive'), 'TOKEN=rotated\n');
  await lab.cloudlet.removeSecret(name('secretive'), 'token');
  await refused(run([], 'secretive'), 'secret-missing', 'is not set');
  await refused(
    lab.cloudlet.removeSecret(name('secretive'), 'token'),
    'secret-unknown',
    'expected a secret of "secretive"',
  );
  await lab.cloudlet.setSecret(name('secretive'), 'token', bytes('again'));
  await lab.cloudlet.remove(name('secretive'));
  await publish({ secrets: ['token'], environment: { TOKEN: { secret: 'token' } }, arguments: ['env'] }, 'secretive');
  await refused(run([], 'secretive'), 'secret-missing', 'is not set');
});

grants('what is no secret is refused without its value', async () => {
  await refused(lab.cloudlet.setSecret(name('cat'), 'a b', bytes('x')), 'request-invalid', 'a name of a secret');
  await refused(lab.cloudlet.setSecret(name('cat'), 'a', Uint8Array.of(0xff)), 'request-invalid', 'in UTF-8');
  await refused(lab.cloudlet.setSecret(name('cat'), 'a', bytes('a\0')), 'request-invalid', 'without NUL');
  await refused(
    lab.cloudlet.setSecret(name('cat'), 'a', new Uint8Array(65_537)),
    'request-invalid',
    'at most 65536 bytes',
  );
  await refused(lab.cloudlet.setSecret(name('nobody'), 'a', bytes('x')), 'function-unknown', 'nobody');
});

grants('the blobs of a package go with the last version that has them', async () => {
  for (const each of await lab.cloudlet.functions()) await lab.cloudlet.remove(name(each.name));
  assert.equal(await blobs(), []);
});

async function blobs(): Promise<string[]> {
  const entries = await readdir(join(lab.dataDir, 'blobs', 'sha256'), { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => entry.name);
}

grants('instances of an asynchronous component are used again as often as it asks', async () => {
  const { pieces } = await writePackage({
    component: await guestBytes('typed-p3'),
    grant: { limits: { reuseInvocations: 2, concurrency: 1 } },
    files: [],
  });
  const tar = Buffer.concat(pieces);
  await lab.cloudlet.publish(name('reused'), bodyOf(tar), { contentLength: tar.length });
  const counts: unknown[] = [];
  for (let call = 0; call < 5; call += 1) {
    const formats = { argumentFormat: 'json', resultFormat: 'json' } as const;
    counts.push((await lab.cloudlet.call(name('reused'), 'count', [], formats)).value);
  }
  assert.equal(counts, [1, 2, 1, 2, 1]);
});

grants.run();
