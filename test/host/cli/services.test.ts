// end to end

import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseName, type ServiceInfo, type ServiceVmInfo } from '../../../guest-sdk/protocol/index.ts';
import { type Listener, listen } from '../../../host/listener.ts';
import { imageDigest, type LocalServer, serveLocally, serviceSpec } from '../../support/fake-vm.ts';
import { TOKEN, testHost } from '../memory-engine.ts';
import { CliLab, type Ended } from './cli-lab.ts';

// The real command, at a host in this process whose VMs are doubles.
const verbs = suite('cloudlet vm');

let lab: CliLab;
let listener: Listener;
let server: LocalServer;
let folder: string;
const { engine, app } = testHost();

verbs.before(async () => {
  lab = await CliLab.open();
  folder = await mkdtemp(join(tmpdir(), 'cloudlet-vm-verbs-'));
  server = await serveLocally(createServer((_, outgoing) => outgoing.end('served')));
  engine.vms.ports.set(80, server.port);
  listener = await listen('127.0.0.1', 0, (request, connection) => app.fetch(request, connection));
});
verbs.after(async () => {
  await listener.close(0);
  await engine.services.close();
  await server.close();
  await lab.close();
  await rm(folder, { recursive: true, force: true });
});

function run(...words: string[]): Promise<Ended> {
  return lab.run(['vm', ...words], {
    environment: { CLOUDLET_URL: `http://127.0.0.1:${listener.port}`, CLOUDLET_TOKEN: TOKEN },
  });
}

verbs('says how to go on when there are none', async () => {
  const { status, text, errors } = await run('ls');
  assert.equal([status, text], [0, '']);
  assert.match(errors, /^no services yet/);
});

verbs('lists, starts, renews, follows, stops and removes', async () => {
  engine.services.put(parseName('web'), imageDigest('a'), serviceSpec());
  assert.match((await run('ls')).text, /^SERVICE .*\nweb {6}- {2,}stopped .* aaaaaaaaaaaa\n$/);
  const started = await run('start', 'web');
  assert.is(started.status, 0, started.errors);
  assert.match(started.text, /^web {2}vm-\w+ \(shared\) serves at http:\/\/127\.0\.0\.1:\d+\/s\/web\/\n {2}until {3}2/);
  const own = JSON.parse((await run('start', 'web', '--own', '--port', '--json')).text) as ServiceVmInfo;
  assert.equal([own.mode, typeof own.port], ['own', 'number']);
  assert.match((await run('renew', 'web', own.id)).text, new RegExp(`^${own.id} lives until 2`));
  const listed = JSON.parse((await run('ls', '--json')).text) as { services: ServiceInfo[] };
  assert.is(listed.services[0]!.vms.length, 2);
  assert.match(
    (await run('ls')).text,
    new RegExp(`web {2,}${own.id} {2,}ready {2,}own {2,}1 {2,}\\d+ s {2,}20 MiB {2,}${own.port}`),
  );
  engine.vms.started[0]!.console.write('hello from inside\n');
  assert.match((await run('logs', 'web')).text, /console hello from inside\n$/);
  assert.is((await run('stop', 'web', own.id)).text, `stopped ${own.id}\n`);
  assert.is((await run('stop', 'web')).text, 'stopped web\n');
  assert.is((await run('rm', 'web')).text, 'removed web\n');
});

for (const [words, status, sentence] of [
  [['start', 'nobody'], 1, /expected the name of a service, got "nobody"/],
  [['stop', 'nobody'], 1, /name of a service/],
  [['start', 'Web'], 2, /expected a name/],
  [['start'], 2, /missing required argument/],
] as const) {
  verbs(`${words.join(' ')}: ${status}`, async () => {
    const ended = await run(...words);
    assert.is(ended.status, status);
    assert.match(ended.errors, sentence);
  });
}

verbs.run();
