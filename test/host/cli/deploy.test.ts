// end to end

import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Deployment } from '../../../guest-sdk/protocol/index.ts';
import { guest } from '../../support/guest.ts';
import { SeededRandom } from '../../support/random.ts';
import { CliLab } from './cli-lab.ts';

const deploy = suite('cloudlet deploy');
let lab: CliLab;

deploy.before(async () => {
  lab = await CliLab.open();
  await writeFile(join(lab.folder, 'policy.json'), JSON.stringify({ privateNetworks: ['127.0.0.0/8'] }));
  const host = lab.start(['serve', '--port', '0', '--sandbox', 'process', '--policy', join(lab.folder, 'policy.json')]);
  lab.environment['CLOUDLET_URL'] = await host.address();
});
deploy.after(() => lab.close());

type Printed = Deployment & { readonly sentBytes: number; readonly savedBytes: number | null };
const run = async (...words: string[]): Promise<Printed> => {
  const { status, text, errors } = await lab.run(['deploy', ...words, '--json']);
  assert.is(status, 0, errors);
  return JSON.parse(text) as Printed;
};

deploy('sends a component, with plain lines in a pipe, and says where it is', async () => {
  await copyFile(await guest('typed'), join(lab.folder, 'typed.wasm'));
  const { status, text, errors } = await lab.run(['deploy', 'typed.wasm']);
  assert.is(status, 0, errors);
  assert.match(
    text,
    /^typed {2}function, version 1 {2}\(package\)\n {2}address {2}http:\S+\/v1\/functions\/typed\n {2}sent {5}[\d.]+ [KM]iB of [\d.]+ [KM]iB \(\d+ % less by compression\)\n$/,
  );
  assert.match(errors, /^typed: package, [\d.]+ [KM]iB to send\ntyped: receiving\n(typed: \w+\n)+$/);
  assert.not.ok(errors.includes('\r') || errors.includes('\x1b'));
});

deploy('sends nothing but the question when it is there, and takes a name alone', async () => {
  const again = await run('typed.wasm');
  assert.ok(['running', 'cached'].includes(again.rung));
  const { length } = await readFile(join(lab.folder, 'typed.wasm'));
  assert.ok(again.sentBytes < 1000, `${again.sentBytes} bytes`);
  assert.is(again.savedBytes, length - again.sentBytes);
  assert.is((await run('typed')).address, `${lab.environment['CLOUDLET_URL']}/v1/functions/typed`);
  assert.is((await run('typed.wasm', '--name', 'typed-too')).rung, 'cached');
});

deploy('of a package that changed only what changed is sent', async () => {
  const model = new SeededRandom(4).bytes(1_000_000);
  await mkdir(join(lab.folder, 'files'));
  await writeFile(join(lab.folder, 'grant.json'), JSON.stringify({ files: [{ path: '/data', from: 'files' }] }));
  const sent = async (bytes: Uint8Array): Promise<Printed> => {
    await writeFile(join(lab.folder, 'files/model'), bytes);
    return run('typed.wasm', '--name', 'packed', '--grant', 'grant.json');
  };
  const first = await sent(model);
  const second = await sent(Buffer.concat([model, Buffer.from('more')]));
  assert.equal(
    [first.rung, second.rung, second.published?.version],
    ['difference', 'difference', 2],
    'the component was here',
  );
  assert.ok(second.sentBytes < first.sentBytes / 4, `${second.sentBytes} of ${first.sentBytes} bytes were sent`);
});

deploy('signs with a key, and says whose a name is to whoever has none', async () => {
  await lab.run(['store', 'keys', 'new', 'key.jwk']);
  assert.is((await run('typed.wasm', '--name', 'signed', '--key', 'key.jwk')).published?.version, 1);
  const unsigned = await lab.run(['deploy', 'typed.wasm', '--name', 'signed', '--grant', 'grant.json']);
  assert.is(unsigned.status, 1);
  assert.match(unsigned.errors, /to be signed by the key .* got no signature; .*--key FILE/);
});

deploy('fetches from an address', async () => {
  const bytes = await readFile(await guest('cat'));
  const server = createServer((_, response) => response.end(bytes));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const end = await run(`http://127.0.0.1:${port}/fetched.wasm`);
  server.close();
  assert.equal([end.rung, end.name, end.savedBytes], ['pulled', 'fetched', null]);
});

for (const [what, words, code, sentence] of [
  [
    'a requirement that is not met',
    ['typed.wasm', '--require', 'memoryMib=999999999..'],
    1,
    /memoryMib must be at least/,
  ],
  ['a requirement that is none', ['typed.wasm', '--require', 'gpu=1'], 2, /gpu is not a known key/],
  ['a name that nothing has', ['nobody'], 1, /nobody/],
  ['a service that nothing has', ['nobody', '--service'], 1, /a way to the service "nobody", found none/],
  ['a word that is no name', ['No Body'], 2, /expected a file, a project, an address or the name/],
  ['what is no component', ['no.wasm'], 1, /WebAssembly/],
] as const)
  deploy(`refuses ${what} in one sentence`, async () => {
    await writeFile(join(lab.folder, 'no.wasm'), 'no component');
    const { status, text, errors } = await lab.run(['deploy', ...words]);
    assert.equal([status, text], [code, ''], errors);
    assert.match(errors, sentence);
  });

deploy.run();
