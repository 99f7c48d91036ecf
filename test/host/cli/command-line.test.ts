// end to end
import { spawnSync } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { VERBS } from '../../../host/cli/command-line.ts';
import { guest } from '../../support/guest.ts';
import { CliLab, MAIN } from './cli-lab.ts';

const commandLine = suite('cloudlet, without a host,');
let lab: CliLab;

commandLine.before(async () => {
  lab = await CliLab.open();
});
commandLine.after(() => lab.close());

commandLine('lists its verbs', async () => {
  const { status, text } = await lab.run(['--help']);
  assert.is(status, 0);
  for (const verb of Object.keys(VERBS)) assert.match(text, new RegExp(`^  ${verb} `, 'm'));
});

commandLine('says its version', async () => {
  const { version } = JSON.parse(await readFile(new URL('../../../package.json', import.meta.url), 'utf8'));
  assert.equal(await outcome(['--version']), [0, `${version}\n`, '']);
});

for (const verb of Object.keys(VERBS)) {
  commandLine(`${verb} --help says how it is used`, async () => {
    const { status, text, errors } = await lab.run([verb, '--help']);
    assert.equal([status, errors], [0, '']);
    assert.match(text, new RegExp(`^Usage: cloudlet ${verb} `));
  });
}

const WRONG: readonly [words: string[], sentence: RegExp][] = [
  [[], /^Usage: cloudlet/],
  [['no-such-verb'], /unknown command 'no-such-verb'/],
  [['ls', '--no-such-flag'], /unknown option '--no-such-flag'/],
  [['ls', 'surplus'], /too many arguments/],
  [['ls', '--', 'x'], /only invoke, trace, bench take words after "--"/],
  [['ls', '--to', 'nowhere'], /expected the address of a cloudlet/],
  [['rm'], /missing required argument 'name'/],
  [['rm', 'Not_A_Name'], /got "Not_A_Name"/],
  [['logs', 'Not_A_Name'], /got "Not_A_Name"/],
  [['inspect', 'Not A Name'], /got "Not A Name"/],
  [['inspect', './no-such.wasm'], /no-such\.wasm cannot be read \(ENOENT\)/],
  [['publish', 'no-such.wasm'], /no-such\.wasm cannot be read \(ENOENT\)/],
  [['publish', 'x.wasm', '--name', '9'], /got "9"/],
  [['rollback', 'cat', 'first'], /expected a version/],
  [['invoke'], /missing required argument 'name'/],
  [['invoke', 'cat', '--deadline', 'soon'], /expected --deadline in milliseconds/],
  [['new', 'x'], /expected --template with one of these, got none\n {2}typescript-http/],
  [['new', 'x', '--template', 'cobol'], /got "cobol"\n {2}typescript-http/],
  [['new', 'Not_A_Name', '--template', 'c-command'], /got "Not_A_Name"/],
  [['discover', '--timeout', 'long'], /expected --timeout in seconds/],
  [['discover', '--timeout', '0'], /expected --timeout in seconds/],
  [['serve', '--port', 'http'], /expected --port .*got "http"/],
  [['serve', '--sandbox', 'none'], /expected --sandbox .*"microvm" or "process"/],
  [['image', 'paint'], /unknown command 'paint'/],
  [['vm', 'base', 'paint'], /unknown command 'paint'/],
  [['vm', 'base', 'build', '--memory', 'much'], /expected --memory in MiB, got "much"/],
  [['vm', 'base', 'build', '--memory', '5'], /expected memory of 128 to 65536 MiB, got 5/],
  [['vm', 'base', 'build', '--include', 'No Package'], /expected the name of a Debian package, got "No Package"/],
  [['vm', 'base', 'build', '--accel', 'fast'], /expected --accel/],
  [['vm', 'base', 'export', 'abc', 'x'], /expected a digest, or its first 4 digits or more, got "abc"/],
  [['vm', 'base', 'import', 'x', '--digest', 'abc'], /expected sha256:<64 hex digits>, got "abc"/],
];
commandLine('the help of "new" has the templates', async () => {
  const { text } = await lab.run(['new', '--help']);
  assert.match(text, /^Templates:\n {2}typescript-http +answers HTTP requests, in TypeScript$/m);
});

for (const [words, sentence] of WRONG) {
  commandLine(`"${words.join(' ')}" is wrong use`, async () => {
    const { status, text, errors } = await lab.run(words);
    assert.equal([status, text], [2, '']);
    assert.match(errors, sentence);
  });
}

commandLine('says that there is no base VM, and how to make one', async () => {
  assert.equal(await outcome(['vm', 'base', 'ls']), [
    0,
    '',
    'no base VM yet; make one with: npx cloudlet vm base build\n',
  ]);
  assert.equal(await outcome(['vm', 'base', 'ls', '--json']), [0, '{"bases":[]}\n', '']);
  assert.equal(await outcome(['vm', 'base', 'rm', 'abcdef']), [
    1,
    '',
    'cloudlet: no base VM begins with abcdef; those here: npx cloudlet vm base ls\n',
  ]);
  const [status, , errors] = await outcome(['vm', 'base', 'import', 'no-such.vm']);
  assert.is(status, 1);
  assert.match(String(errors), /no-such\.vm cannot be read \(ENOENT\)/);
});

commandLine('a misspelt variable is wrong use', async () => {
  const { status, errors } = await lab.run(['ls'], { environment: { CLOUDLET_PROT: '1' } });
  assert.is(status, 2);
  assert.match(errors, /CLOUDLET_PORT.* got CLOUDLET_PROT/);
});

for (const words of [
  ['ls'],
  ['rm', 'cat'],
  ['logs', 'cat'],
  ['inspect', 'cat'],
  ['invoke', 'cat'],
  ['rollback', 'cat'],
]) {
  commandLine(`"${words.join(' ')}" says that nobody answers, and how to start a host`, async () => {
    const expected = 'cloudlet: no cloudlet answers at http://127.0.0.1:1; start one with: npx cloudlet serve\n';
    assert.equal(await outcome(words), [1, '', expected]);
  });
}

commandLine('inspects a file as JSON: what it imports, exports and would be granted', async () => {
  const { status, text } = await lab.run(['inspect', await guest('typed'), '--json']);
  assert.is(status, 0);
  const found = JSON.parse(text);
  assert.equal(Object.keys(found), [
    'file',
    'name',
    'kind',
    'digest',
    'sizeBytes',
    'doors',
    'exports',
    'imports',
    'grant',
    'ungranted',
    'needs',
  ]);
  assert.equal([found.kind, found.doors, found.grant.environment], ['component', ['call'], {}]);
  assert.equal(found.exports[0].params, [
    { name: 'a', type: 's32' },
    { name: 'b', type: 's32' },
  ]);
});

commandLine('a file that is no component is refused', async () => {
  await writeFile(join(lab.folder, 'text.wasm'), 'text');
  const { status, errors } = await lab.run(['inspect', 'text.wasm']);
  assert.is(status, 1);
  assert.match(errors, /^cloudlet: .*WebAssembly/);
});

commandLine('starts a project from a template, once', async () => {
  const made = await lab.run(['new', 'my-function', '--template', 'c-command']);
  assert.is(made.status, 0, made.errors);
  assert.match(made.text, /^ {2}my-function\/cloudlet\.json$/m);
  assert.match(made.text, /publish it with: npx cloudlet publish my-function\n$/);
  assert.is(JSON.parse(await readFile(join(lab.folder, 'my-function', 'cloudlet.json'), 'utf8')).name, 'my-function');
  const again = await lab.run(['new', 'my-function', '--template', 'c-command']);
  assert.is(again.status, 1);
  assert.match(again.errors, /^cloudlet: .*not empty/);
  const unnamed = await lab.run(['new', 'My_Function', '--template', 'c-command']);
  assert.is(unnamed.status, 2);
  assert.match(unnamed.errors, /got "My_Function"; .* with --name$/m);
  const { text } = await lab.run(['new', 'other', '--template', 'typescript-http', '--name', 'named', '--json']);
  assert.equal([JSON.parse(text).name, JSON.parse(text).files.includes('src/function.ts')], ['named', true]);
});

commandLine('a project that is none cannot be built', async () => {
  await mkdir(join(lab.folder, 'empty'));
  const { status, text, errors } = await lab.run(['build', 'empty']);
  assert.equal([status, text], [1, '']);
  assert.match(errors, /^cloudlet: expected a project file at .*cloudlet new/m);
});

commandLine('an output that takes no more is told in a sentence', async () => {
  const command = `exec "${process.execPath}" "${MAIN}" --help > /dev/full`;
  const full = spawnSync('sh', ['-c', command], { encoding: 'utf8' });
  assert.is(full.status, 1);
  assert.is(full.stderr, 'cloudlet: expected an output that takes all, got ENOSPC; what was written is not whole\n');
});

commandLine('a component that cannot be written is told with the place and the reason', async () => {
  await mkdir(join(lab.folder, 'blocked', 'src'), { recursive: true });
  await writeFile(join(lab.folder, 'blocked', 'build'), 'a file');
  await writeFile(join(lab.folder, 'blocked', 'src', 'a.c'), 'int main(void) { return 0; }\n');
  await writeFile(join(lab.folder, 'blocked', 'cloudlet.json'), '{ "name": "blocked", "entry": "src/a.c" }');
  const { status, errors } = await lab.run(['build', 'blocked']);
  assert.is(status, 1);
  assert.match(
    errors,
    /^cloudlet: expected to write \S+\/blocked\/build\/blocked\.wasm, which cannot be written \(EEXIST\)$/m,
  );
});

commandLine('discovers within its time, and says as JSON whom', async () => {
  const { status, text, errors } = await lab.run(['discover', '--timeout', '0.3', '--json']);
  // A machine without any network has nobody to ask, and says so.
  if (status === 1) assert.match(errors, /^cloudlet: .*(multicast|network)/);
  else assert.ok(Array.isArray(JSON.parse(text).cloudlets));
});

commandLine('lists base images, of which there are none yet', async () => {
  assert.match((await lab.run(['image', 'ls'])).text, /^no base image yet; make one with: npx cloudlet image build\n$/);
  assert.equal(JSON.parse((await lab.run(['image', 'ls', '--json'])).text), { images: [] });
});

commandLine('doctor tells of each thing how it stands, with a remedy for what is not good', async () => {
  const { status, text } = await lab.run(['doctor', '--port', '0', '--json']);
  const { healthy, findings } = JSON.parse(text);
  assert.is(status, healthy ? 0 : 1);
  const what = findings.map((finding: { what: string }) => finding.what);
  assert.equal(what, [
    'Node',
    'QEMU',
    'accelerator',
    '/dev/kvm',
    'hardening',
    'snapshots',
    'base image',
    'base VMs',
    'C toolchain',
    'C++ toolchain',
    'Rust toolchain',
    'existing programs',
    'Go toolchain',
    'Python toolchain',
    'port',
    'data',
  ]);
  for (const finding of findings) assert.is(typeof finding.remedy, finding.state === 'good' ? 'undefined' : 'string');
  const lines = (await lab.run(['doctor', '--port', '0'])).text.trimEnd().split('\n');
  assert.ok(lines.every((line) => /^([✓!✗] | {17}→ )/.test(line)));
});

commandLine('a busy port or a locked data directory is one sentence and status 1', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as { port: number };
  const busy = await lab.run(['serve', '--sandbox', 'process', '--port', String(port)]);
  server.close();
  assert.is(busy.status, 1);
  assert.match(busy.errors, new RegExp(`^cloudlet: expected port ${port} .*--port\\n$`));
  const first = lab.start(['serve', '--sandbox', 'process', '--port', '0']);
  await first.said(/Cloudlet serves at/);
  const locked = await lab.run(['serve', '--sandbox', 'process', '--port', '0']);
  assert.is(locked.status, 1);
  assert.match(locked.errors, /^cloudlet: [^\n]+\n$/);
  first.child.kill('SIGTERM');
  assert.is((await first.ended).status, 0);
});

async function outcome(words: readonly string[]): Promise<[number | null, string, string]> {
  const { status, text, errors } = await lab.run(words);
  return [status, text, errors];
}

commandLine.run();
