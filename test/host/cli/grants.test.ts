// end to end
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { FunctionInfo, Published } from '../../../guest-sdk/protocol/index.ts';
import { guest } from '../../support/guest.ts';
import { CliLab } from './cli-lab.ts';

const grants = suite('cloudlet, with grants,');
let lab: CliLab;

const PROJECT = {
  name: 'reader',
  component: 'cat.wasm',
  files: [{ path: '/data', from: 'assets' }],
  scratch: { path: '/tmp', bytes: 1000 },
  environment: { MODE: 'fast', TOKEN: { secret: 'token' } },
  secrets: ['token'],
  http: ['api.example.org'],
  limits: { memoryMib: 64, deadlineMs: 60_000 },
};

grants.before(async () => {
  lab = await CliLab.open();
  await mkdir(join(lab.folder, 'reader', 'assets'), { recursive: true });
  await copyFile(await guest('cat'), join(lab.folder, 'reader', 'cat.wasm'));
  await writeFile(join(lab.folder, 'reader', 'assets', 'a.txt'), 'packaged\n');
  await writeFile(join(lab.folder, 'reader', 'cloudlet.json'), JSON.stringify(PROJECT));
  await writeFile(join(lab.folder, 'policy.json'), '{ "maxima": { "deadlineMs": 40000 } }');
  lab.environment['CLOUDLET_POLICY'] = 'policy.json';
  await lab.serve();
});
grants.after(() => lab.close());

const json = <T>(text: string): T => JSON.parse(text) as T;

grants('publishes a project as a package, once, and warns of what it does not get', async () => {
  const { status, text, errors } = await lab.run(['publish', 'reader', '--json']);
  assert.is(status, 0, errors);
  const published = json<Published>(text);
  assert.equal([published.name, published.version, published.created], ['reader', 1, true]);
  assert.match(errors, /^warning: limits\.deadlineMs: asked for 60000, granted 40000; this cloudlet's policy/m);
  assert.match(errors, /^warning: the secret token is not set; set it with: npx cloudlet secret set reader token$/m);
  assert.match(errors, /^warning: http: asked for, but the component does not import wasi:http/m);
  assert.is(json<Published>((await lab.run(['publish', 'reader', '--json'])).text).created, false);
});

grants('takes no component that imports more than it is granted, and one that is to go without', async () => {
  const file = join(lab.folder, 'out.wasm');
  await copyFile(await guest('wasi-out'), file);
  const refused = await lab.run(['publish', file]);
  assert.is(refused.status, 1);
  assert.match(
    refused.errors,
    /imports wasi:http\/outgoing-handler@0\.2\.12, which needs a grant; add "http": \["api\.example\.org"\] to cloudlet\.json .*"http": \[\] .*--deny/,
  );
  assert.match(
    (await lab.run(['inspect', file])).text,
    /until its grant says\n {4}"http": \["api.*, or "http": \[\], since/,
  );
  for (const [words, said] of [
    [['nets'], /expected --deny with some of http,sockets,configuration,keyvalue,blobs, got "nets"/],
    [['http,'], /got ""/],
  ] as const)
    assert.match((await lab.run(['publish', file, '--deny', ...words])).errors, said);
  const project = await lab.run(['publish', 'reader', '--deny', 'http']);
  assert.equal([project.status, project.errors.includes('a project has its grant in cloudlet.json')], [2, true]);
  const taken = await lab.run(['publish', file, '--deny', 'http,sockets']);
  assert.is(taken.status, 0, taken.errors);
  assert.match((await lab.run(['inspect', 'out'])).text, /imports without grant\n {4}wasi:http\/outgoing-handler/);
  // Packages that say nothing, as many in registries do.
  assert.is((await lab.run(['pack', file, '-o', 'bare.tar'])).status, 0);
  assert.is((await lab.run(['publish', 'bare.tar', '--name', 'bare'])).status, 1);
  assert.is((await lab.run(['publish', 'bare.tar', '--name', 'bare', '--deny', 'http'])).status, 0);
  assert.is((await lab.run(['pack', file, '-o', 'denied.tar', '--deny', 'http'])).status, 0);
  const again = await lab.run(['publish', 'denied.tar', '--name', 'bare', '--json']);
  assert.is(json<Published>(again.text).created, false, again.errors);
  assert.match((await lab.run(['publish', 'denied.tar', '--deny', 'http'])).errors, /has what its publisher gave it/);
});

grants('sets a secret from standard input, lists names, and runs with it', async () => {
  const missing = await lab.run(['invoke', 'reader', '--', 'env']);
  assert.is(missing.status, 1);
  assert.match(missing.errors, 'npx cloudlet secret set reader token');
  assert.is((await lab.run(['secret', 'ls', 'reader'])).text, 'token  (not set)\n');
  assert.is((await lab.run(['secret', 'set', 'reader', 'token'])).status, 2, 'nothing is no secret');
  const set = await lab.run(['secret', 'set', 'reader', 'token'], { input: 's3cret\n' });
  assert.equal([set.status, set.text], [0, 'set token of reader\n'], set.errors);
  assert.is((await lab.run(['secret', 'ls', 'reader'])).text, 'token\n');
  assert.is((await lab.run(['invoke', 'reader', '--', 'env'])).text, 'MODE=fast\nTOKEN=s3cret\n');
  assert.is((await lab.run(['invoke', 'reader', '--', 'file', '/data/a.txt'])).text, 'packaged\n');
  assert.is((await lab.run(['invoke', 'reader', '--', 'write', '/tmp/b'])).status, 0);
});

grants('sets a secret that nothing asks for, and says so', async () => {
  const { status, text, errors } = await lab.run(['secret', 'set', 'reader', 'tokem'], { input: 'x' });
  assert.equal([status, text], [0, 'set tokem of reader\n']);
  assert.is(errors, 'warning: reader does not get tokem: the secrets of its cloudlet.json are token\n');
  assert.is((await lab.run(['secret', 'rm', 'reader', 'tokem'])).status, 0);
});

grants('inspects what a function is granted, where that is less, and what finds nothing', async () => {
  const { text } = await lab.run(['inspect', 'reader']);
  for (const line of [
    /^ {4}limits: memory 64 MiB, deadline 40000 ms, 4 at once$/m,
    /^ {4}environment: MODE, TOKEN \(secret token\)$/m,
    /^ {4}files: \/data \(assets\)$/m,
    /^ {4}scratch: \/tmp \(1000 B\)$/m,
    /^ {4}http: api\.example\.org$/m,
    /^ {4}limits\.deadlineMs: 60000 → 40000$/m,
  ]) {
    assert.match(text, line);
  }
  assert.not.match(text, 's3cret');
  const { grant, secretsSet } = json<FunctionInfo>((await lab.run(['inspect', 'reader', '--json'])).text);
  assert.equal(grant.environment, PROJECT.environment);
  assert.equal(secretsSet, ['token']);
});

grants('removes a secret', async () => {
  assert.is((await lab.run(['secret', 'rm', 'reader', 'token'])).text, 'removed token of reader\n');
  const again = await lab.run(['secret', 'rm', 'reader', 'token']);
  assert.is(again.status, 1);
  assert.match(again.errors, 'expected a secret of "reader" that is set');
});

grants('publishes a component with a grant of its own', async () => {
  await writeFile(
    join(lab.folder, 'grant.json'),
    JSON.stringify({ files: [{ path: '/x.txt', from: 'reader/assets/a.txt' }] }),
  );
  const words = ['publish', 'reader/cat.wasm', '--grant', 'grant.json', '--name', 'other'];
  const { status, errors } = await lab.run(words);
  assert.is(status, 0, errors);
  assert.is((await lab.run(['invoke', 'other', '--', 'file', '/x.txt'])).text, 'packaged\n');
});

for (const [name, document, sentence] of [
  ['has an unknown key', { file: [] }, 'file is not a known key; expected one of'],
  [
    'names what is not there',
    { files: [{ path: '/x', from: 'nowhere' }] },
    'the grant names "nowhere", and there is no file or folder ',
  ],
] as const) {
  grants(`a grant that ${name} is refused before anything is sent`, async () => {
    await writeFile(join(lab.folder, 'bad.json'), JSON.stringify(document));
    const { status, errors } = await lab.run(['publish', 'reader/cat.wasm', '--grant', 'bad.json', '--name', 'bad']);
    assert.is(status, 1);
    assert.ok(errors.includes(sentence), errors);
  });
}

grants('a host does not start with a policy that it does not understand', async () => {
  for (const [text, sentence] of [
    ['{ "htpp": "none" }', /^cloudlet: \S*bad-policy\.json: htpp is not a known key; expected one of \$schema, http/m],
    ['{', /^cloudlet: expected JSON in \S*bad-policy\.json/m],
  ] as const) {
    await writeFile(join(lab.folder, 'bad-policy.json'), text);
    const words = [
      'serve',
      '--port',
      '0',
      '--sandbox',
      'process',
      '--data',
      'elsewhere',
      '--policy',
      'bad-policy.json',
    ];
    const { status, errors } = await lab.run(words);
    assert.is(status, 1);
    assert.match(errors, sentence);
  }
});

grants.run();
