import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { digestOfHex, emptyGrant, type Grant, limitsWith, parseName } from '../../../guest-sdk/protocol/index.ts';
import { OutsideHttpClient } from '../../../runtime/agent/outside/http-client.ts';
import { GrantedOutside } from '../../../runtime/function/granted-outside.ts';
import { Stores } from '../../../runtime/outside/stores.ts';
import { HttpFailure } from '../../../runtime/wasi/index.ts';
import { directOutside } from '../../support/piped-outside.ts';
import { startServer } from '../outside/network/network-lab.ts';

const outside = suite('what a version may ask of its host');
const NAME = parseName('fn');

let directory: string;
let stores: Stores;
outside.before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'cloudlet-outside-'));
  stores = await Stores.open(directory, { isFunction: () => true });
});
outside.after(async () => {
  stores.close();
  await rm(directory, { recursive: true });
});

const version = (changes: Partial<Grant>) => ({
  ...{ name: NAME, version: 1, digest: digestOfHex('0'.repeat(64)) },
  grant: { ...emptyGrant(), ...changes },
});
const SOCKETS = emptyGrant().sockets;

const CASES: readonly (readonly [string, Partial<Grant>, readonly string[]])[] = [
  ['nothing', {}, []],
  ['hosts', { http: ['api.example.org'] }, ['http']],
  ['lookups', { sockets: { ...SOCKETS, lookup: true } }, ['dns', 'tcp', 'udp']],
  ['sockets', { sockets: { ...SOCKETS, tcp: ['db.example.org:5432'] } }, ['dns', 'tcp', 'udp']],
  ['a store', { stores: { keyvalue: { bytes: 10 }, blobs: null } }, ['keyvalue']],
  ['all', { http: ['a.org'], stores: { keyvalue: { bytes: 1 }, blobs: { bytes: 1 } } }, ['blobs', 'http', 'keyvalue']],
];
for (const [name, changes, services] of CASES) {
  outside(`of ${name}`, () => {
    const granted = new GrantedOutside({ privateNetworks: [] });
    const found = Object.keys(granted.services(version(changes), stores)).map((each) => each.split('.')[0]!);
    assert.equal([...new Set(found)].sort(), services);
    granted.close();
  });
}

outside('is one network for all invocations of a version, until its function is gone', () => {
  const granted = new GrantedOutside({ privateNetworks: ['127.0.0.0/8'] });
  const ask = (changes = {}) => granted.services({ ...version({ http: ['a.org'] }), ...changes }, stores)['http.send'];
  const first = ask();
  assert.is(ask(), first);
  assert.is.not(ask({ version: 2 }), first);
  granted.forget(NAME);
  assert.is.not(ask(), first);
  granted.close();
});

outside('counts the connections of a function, whichever of its versions opened them', async () => {
  const arrived: (() => void)[] = [];
  const server = await startServer((_, response) => void arrived.push(() => response.end('late')));
  const granted = new GrantedOutside({ privateNetworks: ['127.0.0.0/8'] });
  const host = `127.0.0.1:${server.port}`;
  const grant = { ...emptyGrant(limitsWith({ connections: 1 })), http: [host] };
  const send = (number: number, connectMs: number | null) => {
    const services = granted.services({ ...version({}), grant, version: number }, stores);
    const request = { method: 'GET', scheme: 'http', authority: host, path: '/', headers: [], body: false } as const;
    const times = { connectMs, firstByteMs: null, betweenBytesMs: null };
    return new OutsideHttpClient(directOutside(services)).send({ ...request, ...times }).response;
  };
  const first = send(1, null);
  while (arrived.length === 0) await new Promise((resolve) => setImmediate(resolve));
  const second = await send(2, 50).catch((error: unknown) => error);
  assert.instance(second, HttpFailure);
  assert.is((second as HttpFailure).code.tag, 'connection-limit-reached');
  arrived[0]!();
  assert.is((await first).status, 200);
  granted.close();
  await server.close();
});

outside.run();
