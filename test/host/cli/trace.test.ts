// end to end
// time limit: 400 s
import { copyFile, cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { FunctionInfo, GrantRequest, LogLine } from '../../../guest-sdk/protocol/index.ts';
import { guest } from '../../support/guest.ts';
import { CliLab } from './cli-lab.ts';

const trace = suite('cloudlet trace');
let lab: CliLab;

trace.before(async () => {
  lab = await CliLab.open();
  await mkdir(join(lab.folder, 'reader', 'assets', 'more'), { recursive: true });
  await mkdir(join(lab.folder, 'elsewhere'));
  await copyFile(await guest('cat'), join(lab.folder, 'reader', 'cat.wasm'));
  await writeFile(join(lab.folder, 'reader', 'assets', 'a.txt'), 'packaged\n');
  await writeFile(join(lab.folder, 'reader', 'assets', 'more', 'unread.txt'), 'unread\n');
  await writeFile(join(lab.folder, 'elsewhere', 'b.txt'), 'copied\n');
  await writeFile(join(lab.folder, 'reader', 'cloudlet.json'), '{ "name": "reader", "component": "cat.wasm" }');
  await lab.serve();
});
trace.after(() => lab.close());

const grantOf = async (project: string): Promise<GrantRequest & { name: string }> =>
  JSON.parse(await readFile(join(lab.folder, project, 'cloudlet.json'), 'utf8'));

const ALLOWED = [
  '--dir',
  'reader/assets:/data',
  '--dir',
  'elsewhere:/usr/share/x',
  '--env',
  'CAT_MODE=fast',
  '--env',
  'NOBODY=1',
];

trace('shows what would be written, and writes nothing unless it is told to', async () => {
  const { status, text, errors } = await lab.run(['trace', 'reader', ...ALLOWED, '--', 'file', '/data/a.txt']);
  assert.equal([status, text], [0, 'packaged\n'], errors);
  assert.match(errors, '+ "files": [{ "path": "/data/a.txt", "from": "assets/a.txt" }]');
  assert.match(errors, /does not hold, so left out: NOBODY\n/);
  assert.match(errors, 'not written; --write writes it');
  assert.equal(await grantOf('reader'), { name: 'reader', component: 'cat.wasm' });
});

trace('learns of several runs, and the function runs with exactly what it wrote', async () => {
  for (const words of [['file', '/usr/share/x/b.txt'], ['write', '/tmp/new'], ['getenv'], ['file', '/data/a.txt']]) {
    const { status, errors } = await lab.run(['trace', 'reader', '--learn', '--write', ...ALLOWED, '--', ...words]);
    assert.is(status, 0, errors);
  }
  assert.equal(await grantOf('reader'), {
    ...{ name: 'reader', component: 'cat.wasm' },
    files: [
      { path: '/data/a.txt', from: 'assets/a.txt' },
      { path: '/usr/share/x', from: 'files/usr/share/x' },
    ],
    scratch: [{ path: '/tmp', bytes: 1_048_576 }],
    environment: { CAT_MODE: 'fast' },
  });
  const again = await lab.run(['trace', 'reader', '--learn', '--', 'getenv']);
  assert.equal([again.status, again.text], [0, 'fast\n']);
  assert.match(again.errors, 'cloudlet.json grants exactly this');

  const published = await lab.run(['publish', 'reader']);
  assert.is(published.status, 0, published.errors);
  assert.not.match(published.errors, 'warning');
  for (const [words, answer] of [
    [['file', '/data/a.txt'], 'packaged\n'],
    [['file', '/usr/share/x/b.txt'], 'copied\n'],
    [['getenv'], 'fast\n'],
    [['write', '/tmp/new'], ''],
  ] as const) {
    const { status, text, errors } = await lab.run(['invoke', 'reader', '--', ...words]);
    assert.equal([status, text], [0, answer], errors);
  }
});

trace('a host shows what of a grant was used, and says what a function lacks', async () => {
  const trapped = await lab.run(['invoke', 'reader', '--', 'need', '/usr/share/y/model.bin']);
  assert.is(trapped.status, 1);
  assert.match(
    trapped.errors,
    /the function trapped: .*; \/usr\/share\/y\/model\.bin is not in the package: run npx cloudlet trace --learn -- …, or add it to "files"/,
  );
  const ended = await lab.run(['invoke', 'reader', '--', 'file', '/etc/nothing']);
  assert.is(ended.status, 66);
  assert.match(ended.errors, /it ended with status 66; \/etc\/nothing is not in the package/);
  await lab.run(['invoke', 'reader', '--', 'file', '/etc/nothing']);
  await lab.run(['invoke', 'reader', '--', 'write', '/data/new']);

  const lines = (await lab.run(['logs', 'reader', '--json'])).text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as LogLine);
  const notes = lines.filter(({ entry }) => entry?.context === 'grant').map(({ text }) => text);
  assert.is(notes.filter((text) => text.startsWith('/etc/nothing is not in the package')).length, 1);
  assert.is(notes.filter((text) => text.startsWith('/data/new cannot be written')).length, 1);

  const info = JSON.parse((await lab.run(['inspect', 'reader', '--json'])).text) as FunctionInfo;
  const items = info.use!.items.map(({ state, key, item }) => `${state} ${key} ${item}`);
  assert.equal(
    items,
    [
      'used files /data/a.txt',
      'used files /usr/share/x',
      'used scratch /tmp',
      'used environment CAT_MODE',
      'refused scratch /data/new',
      'missing files /etc/nothing',
      'missing files /usr/share/y/model.bin',
      'used limits memoryMib',
    ].sort((a, b) => items.indexOf(a) - items.indexOf(b)),
  );
  assert.match((await lab.run(['inspect', 'reader'])).text, /looked for, not granted\s+files \/etc\/nothing/);
});

trace('publish warns of what no trace used, and of what traces used that is not granted', async () => {
  await cp(join(lab.folder, 'reader'), join(lab.folder, 'other'), { recursive: true });
  const grant = { name: 'other', component: 'cat.wasm', files: [{ path: '/never', from: 'assets' }] };
  await writeFile(join(lab.folder, 'other', 'cloudlet.json'), JSON.stringify(grant));
  const { status, errors } = await lab.run(['publish', 'other']);
  assert.is(status, 0, errors);
  assert.match(errors, 'warning: files: traces used /data/a.txt, /usr/share/x/b.txt, not granted');
  assert.match(errors, 'warning: environment: traces used CAT_MODE, not granted');
  assert.match(errors, 'warning: files /never: granted, and no trace used it');
  const inspected = await lab.run(['inspect', './other']);
  assert.match(inspected.text, /never used\s+files \/never/);
});

trace('of a typed function with stores grants them with room', async () => {
  await mkdir(join(lab.folder, 'keeper'));
  await copyFile(await guest('stores'), join(lab.folder, 'keeper', 'stores.wasm'));
  const { status, text, errors } = await lab.run(['trace', 'keeper/stores.wasm', 'count', '--write', '--json']);
  assert.is(status, 0, errors);
  const told = JSON.parse(text) as { written: boolean; grant: GrantRequest };
  assert.equal([told.written, told.grant], [true, { stores: { keyvalue: { bytes: 1_048_576 } } }]);
  assert.equal(await grantOf('keeper'), { name: 'stores', component: 'stores.wasm', ...told.grant });
});

trace('of an http function names the hosts that it asks, and those that it was not let ask', async () => {
  await cp(fileURLToPath(new URL('../../support/guests/fetch-out', import.meta.url)), join(lab.folder, 'asker'), {
    recursive: true,
  });
  const project = (more: object) =>
    writeFile(
      join(lab.folder, 'asker', 'cloudlet.json'),
      JSON.stringify({ name: 'asker', entry: 'src/function.ts', ...more }),
    );
  const server = createServer((_, response) => response.setHeader('x-said', 'hello').end());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const request = ['--request', 'GET', `/get?http://127.0.0.1:${port}/`];
  try {
    await project({ http: ['nowhere.example'] });
    const denied = await lab.run(['trace', 'asker', ...request]);
    assert.is(denied.status, 1, denied.errors);
    assert.match(denied.errors, `refused: http 127.0.0.1:${port}`);
    await project({});
    const { status, text, errors } = await lab.run(['trace', 'asker', '--allow-net', '--write', ...request]);
    assert.equal([status, text], [0, '200 hello'], errors);
    assert.equal((await grantOf('asker')).http, [`127.0.0.1:${port}`]);

    const door = lab.start(['trace', 'asker', '--learn']);
    let told = '';
    door.child.stderr.on('data', (chunk: Buffer) => {
      told += chunk.toString();
    });
    await door.said(/is recorded at http:\S+; end with Ctrl-C/);
    const address = /recorded at (http:\S+);/.exec(told)![1]!;
    assert.is(await (await fetch(new URL(`/get?http://127.0.0.1:${port}/`, address))).text(), '200 hello');
    door.child.kill('SIGINT');
    const ended = await door.ended;
    assert.is(ended.status, 0, ended.errors);
    assert.match(ended.errors, 'cloudlet.json grants exactly this');
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

for (const [words, status, sentence] of [
  [['trace', 'nowhere'], 1, /expected a project or a component at nothere|nowhere/],
  [['trace', 'reader', '--dir', 'absent', '--', 'x'], 1, /expected a file or directory .*absent, got ENOENT/],
  [['trace', 'reader', '--dir', 'a:../b', '--', 'x'], 2, /expected --dir HOST or HOST:GUEST/],
  [['trace', 'reader', '--env', 'NOT_SET_HERE', '--', 'x'], 2, /NOT_SET_HERE, which is not set here/],
  [['trace', 'reader', '--request', 'GET'], 2, /expected a path after --request GET/],
  [['trace', 'reader', '--port', 'x'], 2, /expected --port with a number/],
  [['trace', 'reader', '--allow-net', 'http://x'], 2, /expected --allow-net with hosts/],
  [['trace', 'reader', 'main'], 2, /"main" would be an export/],
  [['trace', '--reset', 'reader'], 0, /^$/],
] as const) {
  trace(`${words.slice(1).join(' ')} ends with ${status} and a sentence`, async () => {
    const ended = await lab.run(words);
    assert.is(ended.status, status, ended.errors);
    assert.match(ended.errors, sentence);
  });
}

trace('a record that is torn is named, with what forgets it', async () => {
  await mkdir(join(lab.folder, 'reader/.cloudlet'), { recursive: true });
  await writeFile(join(lab.folder, 'reader/.cloudlet/trace.json'), '{ "format"');
  const { status, errors } = await lab.run(['trace', 'reader', '--learn', '--', 'getenv']);
  assert.is(status, 1);
  assert.match(errors, /trace\.json, which cannot be read .*npx cloudlet trace --reset/);
  await rm(join(lab.folder, 'reader/.cloudlet'), { recursive: true });
});

trace.run();
