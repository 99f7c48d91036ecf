// end to end
import { copyFile, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type CloudletClient, createClient } from '../../../guest-sdk/client/index.ts';
import type { FunctionInfo, LogLine, Published } from '../../../guest-sdk/protocol/index.ts';
import { guest } from '../../support/guest.ts';
import { CliLab } from './cli-lab.ts';

const functions = suite('cloudlet, at a host,');
let lab: CliLab;

functions.before(async () => {
  lab = await CliLab.open();
  await lab.serve();
});
functions.after(() => lab.close());

const json = <T>(text: string): T => JSON.parse(text) as T;

functions('says on stderr how to go on when nothing is published', async () => {
  const { status, text, errors } = await lab.run(['ls']);
  assert.equal([status, text], [0, '']);
  assert.match(errors, /^no functions yet; publish one with: npx cloudlet publish/);
  assert.equal(json((await lab.run(['ls', '--json'])).text), { functions: [] });
});

functions('publishes a file: plain stages on stderr, the result on stdout', async () => {
  const { status, text, errors } = await lab.run(['publish', await guest('cat'), '--name', 'cat']);
  assert.is(status, 0, errors);
  assert.match(
    text,
    /^cat {2}version 1\n {2}digest {3}sha256:[0-9a-f]{64} .*\n {2}sent {5}\S+ KiB of \S+ KiB .*\n {2}address {2}http:\S+\/v1\/functions\/cat\n {2}invoke {3}npx cloudlet invoke cat \[-- ARGS…\]\n$/,
  );
  assert.match(errors, /^cat: sending\n/);
  assert.not.ok(errors.includes('\r') || errors.includes('\x1b'));
});

functions('the same file again is the same version', async () => {
  const { text } = await lab.run(['publish', await guest('cat'), '--name', 'cat', '--json']);
  const published = json<Published>(text);
  assert.equal([published.version, published.created], [1, false]);
  assert.is(published.address, `${lab.environment['CLOUDLET_URL']}/v1/functions/cat`);
});

functions('a file that is no component is refused with the cloudlet’s sentence', async () => {
  await writeFile(join(lab.folder, 'not.wasm'), 'not WebAssembly');
  const { status, text, errors } = await lab.run(['publish', 'not.wasm']);
  assert.equal([status, text], [1, '']);
  assert.match(errors, /^cloudlet: .*WebAssembly/m);
  assert.is((await lab.run(['inspect', 'not'])).status, 1, 'nothing was published');
});

functions('a command gets stdin and arguments, and gives stdout, stderr and its exit status', async () => {
  const copied = await lab.run(['invoke', 'cat', '--', 'exit', '7'], { input: 'through\n' });
  assert.equal([copied.status, copied.text, copied.errors], [7, 'through\n', '']);
  const wordy = await lab.run(['invoke', 'cat', '--', 'stderr', 'to the log'], { input: 'in' });
  assert.equal([wordy.status, wordy.text, wordy.errors], [0, 'in', 'to the log\n']);
  const args = await lab.run(['invoke', 'cat', '--', 'args', '--help', 'a&b=c', 'ü']);
  assert.is(args.text, 'args\n--help\na&b=c\nü\n');
});

functions('long output streams, and the exit status behind it arrives', async () => {
  const input = Buffer.alloc(1_500_000).map((_, i) => i % 251);
  const { status, stdout } = await lab.run(['invoke', 'cat', '--', 'exit', '9'], { input });
  assert.is(status, 9);
  assert.is(Buffer.compare(stdout, input), 0);
});

functions('a command that does not read its stdin ends although nobody closes it', async () => {
  const { ended } = lab.start(['invoke', 'cat', '--', 'args']);
  assert.equal([(await ended).status, (await ended).text], [0, 'args\n']);
});

functions('files come from --input and go to --output, whole or not at all', async () => {
  await writeFile(join(lab.folder, 'in.txt'), 'from a file');
  const { status, text } = await lab.run(['invoke', 'cat', '--input', 'in.txt', '--output', 'out.txt']);
  assert.equal([status, text], [0, '']);
  assert.is(await readFile(join(lab.folder, 'out.txt'), 'utf8'), 'from a file');
  const failed = await lab.run(['invoke', 'cat', '--output', 'never.txt', '--', 'abort']);
  assert.is(failed.status, 1);
  assert.match(failed.errors, /^cloudlet: .*cloudlet logs cat\)$/m);
  await assertMissing('never.txt');
  for (const words of [
    ['--input', 'no-such-file'],
    ['--output', 'no-such-folder/out'],
    ['--output', '.'],
  ]) {
    const refused = await lab.run(['invoke', 'cat', ...words]);
    assert.is(refused.status, 2, words.join(' '));
    assert.match(refused.errors, /cannot.*\((ENOENT|EISDIR)\)/);
  }
});

functions('typed exports take JSON words and give JSON', async () => {
  assert.is((await lab.run(['publish', await guest('typed'), '--name', 'typed'])).status, 0);
  const CALLS: readonly [words: string[], status: number, stdout: string][] = [
    [['add', '40', '2'], 0, '42\n'],
    [['add', '-1', '-2'], 0, '-3\n'],
    [['greet', '"Ada"'], 0, ''],
    [['nothing'], 0, ''],
    [['shapes.u64-back', '18446744073709551615'], 0, '"18446744073709551615"\n'],
    [['shapes.divide', '7', '2'], 0, '{"ok":3}\n'],
    [['shapes.divide', '7', '0'], 1, '{"err":"division by zero"}\n'],
  ];
  for (const [words, status, stdout] of CALLS) {
    const call = await lab.run(['invoke', 'typed', ...words]);
    assert.is(call.status, status, `${words.join(' ')}: ${call.errors}`);
    if (words[0] === 'greet') assert.match(call.text, /^".*Ada.*"\n$/);
    else assert.is(call.text, stdout);
  }
});

functions('bytes go from a file into a list<u8>, and come back as bytes into another', async () => {
  const bytes = Buffer.from([0, 255, 10, 128]);
  await writeFile(join(lab.folder, 'bytes'), bytes);
  assert.is((await lab.run(['invoke', 'typed', 'echo', '@bytes', '--output', 'echoed'])).status, 0);
  assert.is(Buffer.compare(await readFile(join(lab.folder, 'echoed')), bytes), 0);
  assert.is((await lab.run(['invoke', 'typed', 'echo', '@bytes'])).text, '"AP8KgA=="\n');
  assert.is((await lab.run(['invoke', 'typed', 'add', '--input', '-'], { input: '[20, 3]' })).text, '23\n');
});

functions('a wrong argument is refused by the cloudlet with its path, a wrong word by us', async () => {
  const shape = await lab.run(['invoke', 'typed', 'add', '1', '"2"']);
  assert.is(shape.status, 1);
  assert.match(shape.errors, /^cloudlet: .*\$\[1\]: expected s32, got "2"/);
  for (const words of [
    ['add', '1'],
    ['add', '1', 'two'],
    ['no-such-export'],
    [],
    ['/path'],
    ['--', 'x'],
    ['add', '1', '2', '--deadline', '0'],
  ]) {
    const { status, errors } = await lab.run(['invoke', 'typed', ...words]);
    assert.is(status, 2, `${words.join(' ')}: ${errors}`);
    assert.match(errors, /^cloudlet: /);
  }
});

functions('an http function is asked for a path; its errors are exit status 1', async () => {
  assert.is((await lab.run(['publish', await guest('echo-http'), '--name', 'echo'])).status, 0);
  const asked = await lab.run(['invoke', 'echo', '/a/request?x=1']);
  assert.is(asked.status, 0, asked.errors);
  const seen = json<{ method: string; path: string }>(asked.text);
  assert.equal([seen.method, seen.path], ['GET', '/a/request?x=1']);
  const posted = await lab.run(['invoke', 'echo', '/echo', '--input', '-'], { input: 'a body' });
  assert.equal([posted.status, posted.text], [0, 'a body']);
  const missing = await lab.run(['invoke', 'echo', '/no-such-path']);
  assert.is(missing.status, 1);
  assert.match(missing.errors, /echo answered \/no-such-path with status 404/);
});

functions('a deadline ends a loop, and Ctrl-C cancels the request', async () => {
  const late = await lab.run(['invoke', 'echo', '/spin', '--deadline', '500']);
  assert.is(late.status, 1);
  assert.match(late.errors, /500 ms.*cloudlet logs echo/);
  const running = lab.start(['invoke', 'cat']);
  // More than the C library holds back.
  running.child.stdin.write('first'.repeat(20_000));
  await running.said(/first/);
  running.child.kill('SIGINT');
  assert.is((await running.ended).status, 130);
});

functions('lists what is published, aligned, and as JSON', async () => {
  const { text } = await lab.run(['ls']);
  const lines = text.trimEnd().split('\n');
  assert.match(lines[0]!, /^NAME +VERSION +STATE +DOORS +SIZE +DIGEST$/);
  assert.equal(
    lines.slice(1).map((line) => line.split(/ +/).slice(0, 2)),
    [
      ['cat', '1'],
      ['echo', '1'],
      ['typed', '1'],
    ],
  );
  const { functions: listed } = json<{ functions: FunctionInfo[] }>((await lab.run(['ls', '--json'])).text);
  assert.equal(
    listed.map((each) => each.doors),
    [['run'], ['http'], ['call']],
  );
});

functions('writes a typed client, the same for a file and for a function, that calls it', async () => {
  const { text, errors } = await lab.run(['types', 'typed', '-o', 'typed.ts']);
  assert.is(text, '', errors);
  const nowhere = { CLOUDLET_URL: 'http://127.0.0.1:1' };
  const local = await lab.run(['types', await guest('typed'), '--name', 'typed'], { environment: nowhere });
  const made = await readFile(join(lab.folder, 'typed.ts'), 'utf8');
  assert.is(local.text, made);
  // A checkout's own name leads to it only from inside.
  const library = new URL('../../../guest-sdk/client/index.ts', import.meta.url).href;
  const module = join(lab.folder, 'typed.mts');
  await writeFile(module, made.replace("'cloudlet/client'", JSON.stringify(library)));
  const { typed } = (await import(module)) as {
    typed: (client: CloudletClient) => Record<string, (...words: unknown[]) => Promise<unknown>>;
  };
  const token = (await readFile(join(lab.folder, 'data/owner-token'), 'utf8')).trim();
  const fn = typed(createClient({ url: lab.environment['CLOUDLET_URL']!, token }));
  assert.is(await fn['add']!(40, 2), 42);
  assert.is(await fn['u64Back']!(2n ** 64n - 1n), 2n ** 64n - 1n);
  assert.equal(await fn['echo']!(new Uint8Array([0, 255])), new Uint8Array([0, 255]));
  assert.equal(await fn['divide']!(7, 0), { tag: 'err', val: 'division by zero' });
  const item = { id: 7, itemName: 'a', tags: [], at: { x: 0.5, y: -1, label: undefined }, color: 'red' };
  assert.equal(await fn['itemBack']!({ ...item, perms: { read: true } }), {
    ...item,
    perms: { read: true, write: false, exec: false },
  });
  const { status, errors: refused } = await lab.run(['types', await guest('cat')]);
  assert.equal([status, /it is called by run or http/.test(refused)], [2, true]);
});

functions('inspects a function with its WIT types, and a file without a host', async () => {
  const { text } = await lab.run(['inspect', 'typed']);
  assert.match(text, /^typed\n/);
  assert.match(text, /^ {4}add: func\(a: s32, b: s32\) -> s32$/m);
  assert.match(text, /memory 256 MiB/);
  assert.match(text, /^ {4}1 \(current\) {2}\S+ {2}sha256:/m);
  const remote = json<FunctionInfo>((await lab.run(['inspect', 'typed', '--json'])).text);
  const nowhere = { CLOUDLET_URL: 'http://127.0.0.1:1' };
  const words = ['inspect', await guest('typed'), '--json'];
  const local = json<FunctionInfo>((await lab.run(words, { environment: nowhere })).text);
  for (const key of ['digest', 'sizeBytes', 'doors', 'exports', 'imports', 'grant'] as const) {
    assert.equal(local[key], remote[key], key);
  }
});

functions('shows a log, follows it until it is stopped, and keeps control characters out of the terminal', async () => {
  const following = lab.start(['logs', 'cat', '-f', '--json']);
  await following.said(/to the log/);
  await lab.run(['invoke', 'cat', '--', 'stderr', '\x1b[2Jred']);
  await following.said(/red/);
  following.child.kill('SIGINT');
  const { status, text } = await following.ended;
  assert.is(status, 130);
  const lines = text
    .trimEnd()
    .split('\n')
    .map((line) => json<LogLine>(line));
  assert.ok(lines.every((line) => line.version === 1));
  assert.ok(
    lines.some((line) => line.text.includes('\x1b[2Jred')),
    'JSON tells what was written',
  );
  const plain = await lab.run(['logs', 'cat']);
  assert.match(plain.text, /^\S+Z [0-9a-f-]{36} stderr to the log$/m);
  assert.match(plain.text, /^\S+Z [0-9a-f-]{36} stderr \\x1b\[2Jred$/m);
});

functions('shows a log from a line on', async () => {
  const all = (await lab.run(['logs', 'cat', '--json'])).text
    .trimEnd()
    .split('\n')
    .map((one) => json<LogLine>(one));
  const later = (await lab.run(['logs', 'cat', '--json', '--after', String(all[0]!.seq)])).text.trimEnd().split('\n');
  assert.equal(
    later.map((one) => json<LogLine>(one)),
    all.slice(1),
  );
  const wrong = await lab.run(['logs', 'cat', '--after', 'yesterday']);
  assert.is(wrong.status, 2);
  assert.match(wrong.errors, /"seq" of a line after --after, got "yesterday"/);
});

functions('rolls back, and says which version calls go to', async () => {
  const none = await lab.run(['rollback', 'cat']);
  assert.is(none.status, 1);
  assert.is((await lab.run(['publish', await guest('typed'), '--name', 'cat'])).status, 0);
  assert.match((await lab.run(['rollback', 'cat'])).text, /^cat is at version 1 \(sha256:/);
  assert.is(json<FunctionInfo>((await lab.run(['rollback', 'cat', '2', '--json'])).text).version, 2);
  await lab.run(['split', 'cat', '1=30']);
  assert.match((await lab.run(['ls'])).text, /^cat +2=70% 1=30% /m);
  await lab.run(['split', 'cat', '--off']);
  assert.is((await lab.run(['rollback', 'cat', '9'])).status, 1);
  assert.is((await lab.run(['rollback', 'cat', 'first'])).status, 2);
});

functions('a reader that leaves is no error', async () => {
  const running = lab.start(['invoke', 'echo', '/drip']);
  running.child.stdout.destroy();
  const { errors } = await running.ended;
  assert.not.match(errors, /EPIPE|at .*\.ts/);
});

functions('a wrong token, or none for another machine, is told with where tokens come from', async () => {
  const elsewhere = { CLOUDLET_DATA: join(lab.folder, 'another') };
  for (const words of [
    ['ls', '--token', 'wrong'],
    ['ls', '--data', join(lab.folder, 'another')],
  ]) {
    const { status, errors } = await lab.run(words, { environment: elsewhere });
    assert.is(status, 1);
    assert.match(errors, /^cloudlet: .*token.*CLOUDLET_TOKEN.*--data/);
  }
  const token = (await readFile(join(lab.folder, 'data', 'owner-token'), 'utf8')).trim();
  const link = `${lab.environment['CLOUDLET_URL']}/#token=${token}`;
  assert.is((await lab.run(['ls', '--to', link], { environment: elsewhere })).status, 0);
  assert.is((await lab.run(['ls'], { environment: { ...elsewhere, CLOUDLET_TOKEN: token } })).status, 0);
  assert.is((await lab.run(['ls', '--token', token], { environment: elsewhere })).status, 0);
});

functions('publishes, deploys and inspects the project of the folder it is in, when nothing is named', async () => {
  const none = await lab.run(['publish']);
  assert.equal([none.status, none.text], [1, '']);
  assert.match(none.errors, /expected a project file at cloudlet\.json; start one with: npx cloudlet new/);
  await copyFile(await guest('cat'), join(lab.folder, 'here.wasm'));
  await writeFile(join(lab.folder, 'cloudlet.json'), '{ "name": "here", "component": "here.wasm" }');
  assert.match((await lab.run(['inspect'])).text, /^here\n/);
  assert.match((await lab.run(['publish'])).text, /^here {2}version 1\n/);
  const deployed = await lab.run(['deploy', '--json']);
  assert.is(deployed.status, 0, deployed.errors);
  assert.is((await lab.run(['invoke', 'here', '--', 'args', 'a'])).text, 'args\na\n');
});

functions('removes', async () => {
  assert.is((await lab.run(['rm', 'echo'])).text, 'removed echo\n');
  assert.equal(json((await lab.run(['rm', 'typed', '--json'])).text), { removed: 'typed' });
  const gone = await lab.run(['rm', 'echo']);
  assert.is(gone.status, 1);
  assert.match(gone.errors, /^cloudlet: .*"echo"/);
});

async function assertMissing(name: string): Promise<void> {
  const found = await stat(join(lab.folder, name)).catch((error: NodeJS.ErrnoException) => error.code);
  assert.is(found, 'ENOENT');
}

functions.run();
