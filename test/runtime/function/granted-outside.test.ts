import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { digestOfHex, emptyGrant, type Grant, parseName } from '../../../guest-sdk/protocol/index.ts';
import { GrantedOutside } from '../../../runtime/function/granted-outside.ts';
import { Stores } from '../../../runtime/outside/stores.ts';

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

outside.run();
