// end to end
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type CloudletClient, createClient, readWhole } from '../../../guest-sdk/client/index.ts';
import { CloudletError, digestOfHex, type ErrorCode, parseName } from '../../../guest-sdk/protocol/index.ts';
import { hostConfig } from '../../../host/config.ts';
import { createJournal } from '../../../host/journal.ts';
import { type Serving, serve } from '../../../host/main.ts';
import { guest } from '../../support/guest.ts';

const clients = suite('a client over fetch');

let folder: string;
let serving: Serving;
let client: CloudletClient;

clients.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cloudlet-client-'));
  const flags = { port: 0, data: join(folder, 'data'), cache: join(folder, 'cache'), sandbox: 'process' };
  serving = await serve(hostConfig(flags, { environment: {}, home: folder, isRoot: false }), {
    journal: createJournal({ write: () => {} }),
    say: () => {},
    handleSignals: false,
  });
  client = createClient({ url: serving.url, token: serving.cloudlet.ownerToken });
});

clients.after(async () => {
  await serving.close();
  await rm(folder, { recursive: true, force: true });
});

async function refused(work: Promise<unknown>, code: ErrorCode, sentence: RegExp): Promise<void> {
  const error = await work.then(
    () => assert.unreachable(`expected ${code}`),
    (thrown: unknown) => thrown,
  );
  assert.instance(error, CloudletError);
  assert.is((error as CloudletError).code, code);
  assert.match((error as CloudletError).message, sentence);
}

async function publish(name: string, options: Parameters<CloudletClient['publish']>[2] = {}) {
  const states = [];
  for await (const state of client.publish(parseName(name), await readFile(await guest(name)), options)) {
    states.push(state);
  }
  return states;
}

async function* pieces(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text);
}

clients('reads the status', async () => {
  assert.is((await client.status()).id, serving.cloudlet.id);
});

clients('publishes, and sees the deployment to its one end', async () => {
  const states = await publish('cat');
  assert.is(states.at(-1)!.published!.version, 1);
  assert.is(states.filter(({ state }) => state === 'ready' || state === 'failed').length, 1);
  assert.equal(
    (await client.functions()).map(({ name }) => name),
    ['cat'],
  );
});

clients('bytes that changed on their way are not published', async () => {
  const digest = digestOfHex('00'.repeat(32));
  const outcome = await publish('typed', { digest }).then(
    (states) => states.at(-1)!.problem!.code,
    (error: CloudletError) => error.code,
  );
  assert.is.not(outcome, undefined);
  await refused(client.function(parseName('typed')), 'function-unknown', /typed/);
});

clients('runs a command: streamed input, output, and the exit status of a short answer', async () => {
  const answer = await client.run(parseName('cat'), ['exit', '3'], pieces('one ', 'two'));
  assert.is(Buffer.from(await readWhole(answer.body, 1000)).toString(), 'one two');
  assert.is(answer.exitStatus(), 3);
  const long = await client.run(parseName('cat'), [], new Uint8Array(200_000));
  assert.is((await readWhole(long.body, 200_000)).length, 200_000);
  assert.is(long.exitStatus(), null, 'it comes as a trailer, which fetch does not show');
});

clients('calls a typed export, and gives the cloudlet’s own refusal', async () => {
  await publish('typed');
  assert.is(await client.call(parseName('typed'), 'add', [40, 2]), 42);
  assert.is(await client.call(parseName('typed'), 'nothing', []), null);
  await refused(client.call(parseName('typed'), 'add', [40, '2']), 'argument-invalid', /\$\[1\]/);
});

clients('asks an http function, whose own errors are answers', async () => {
  await publish('echo-http');
  const name = parseName('echo-http');
  const echoed = await client.request(name, '/echo', { method: 'POST', body: pieces('a', 'b') });
  assert.equal([echoed.status, Buffer.from(await readWhole(echoed.body, 10)).toString()], [200, 'ab']);
  const missing = await client.request(name, '/no-such-path');
  assert.is(missing.status, 404);
  await readWhole(missing.body, 1000);
  await refused(client.request(name, '/throw'), 'guest-trapped', /trapped/);
  await refused(client.request(name, '/spin', { deadlineMs: 300 }), 'deadline-exceeded', /300 ms/);
});

clients('reads a log, and follows it until it is aborted', async () => {
  const name = parseName('cat');
  const answer = await client.run(name, ['stderr', 'for the log'], new Uint8Array());
  await readWhole(answer.body, 1000);
  const left = new AbortController();
  const following = (async () => {
    for await (const line of client.logs(name, { follow: true, signal: left.signal })) {
      if (line.text.includes('for the log')) left.abort(new Error('seen'));
    }
  })();
  assert.is(await following.catch((error: Error) => error.message), 'seen');
  for await (const line of client.logs(name)) assert.is(line.version, 1);
});

clients('rolls back and removes', async () => {
  const name = parseName('cat');
  await refused(client.rollback(name), 'version-unknown', /before 1/);
  assert.is((await client.rollback(name, 1)).version, 1);
  await client.remove(name);
  await refused(client.remove(name), 'function-unknown', /cat/);
});

clients('says who it is, and nothing to who is not told', async () => {
  await refused(createClient({ url: serving.url }).functions(), 'unauthorized', /token/);
  await refused(createClient({ url: serving.url, token: 'wrong' }).functions(), 'unauthorized', /another one/);
});

clients('an address that is none, or where nobody is, is told', async () => {
  for (const url of ['', 'localhost:8080', 'ftp://localhost', 'http://']) {
    assert.throws(() => createClient({ url }), /expected the address of a cloudlet/);
  }
  await refused(
    createClient({ url: 'http://127.0.0.1:1' }).status(),
    'network-unavailable',
    /no cloudlet answers at http:\/\/127.0.0.1:1/,
  );
});

const STRANGERS: readonly [what: string, answer: RequestListener][] = [
  ['a page', (_, response) => response.end('<h1>It works</h1>')],
  ['other JSON', (_, response) => response.end('{"id": 7}')],
  ['an error of another program', (_, response) => response.writeHead(500).end('boom')],
  ['a problem of another program', (_, response) => response.writeHead(404).end('{"type":"x","status":404}')],
  ['a redirection', (_, response) => response.writeHead(302, { location: '/elsewhere' }).end()],
];
for (const [what, answer] of STRANGERS) {
  clients(`${what} is not taken for a cloudlet`, async () => {
    const server = createServer(answer).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as AddressInfo;
    try {
      const stranger = createClient({ url: `http://127.0.0.1:${port}` });
      await refused(stranger.functions(), 'network-unavailable', /another program serves there/);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });
}

clients.run();
