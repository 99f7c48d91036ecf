import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { createClient, type Transport } from '../../../guest-sdk/client/index.ts';
import { parseName } from '../../../guest-sdk/protocol/index.ts';
import { refused } from '../../support/refusal.ts';

const requests = suite('a request to an http function');

const sent: string[] = [];
const transport: Transport = async ({ url }) => {
  sent.push(new URL(url).pathname);
  return { status: 200, header: () => '1', trailer: () => null, body: (async function* () {})() };
};
const client = createClient({ url: 'http://localhost:1', token: 'secret', transport });

for (const path of ['', '/', '/a/../b', '/a.b/..?x=/../..', '//x'])
  requests(`${JSON.stringify(path)} is one of the function`, async () => {
    sent.length = 0;
    await client.request(parseName('fn'), path);
    assert.match(sent[0]!, /^\/f\/fn(\/|$)/);
  });

for (const path of ['/../../v1/functions', '/..', '/%2e%2e/%2E./v1/status', '/..\\..\\v1', 'other/x', '/../fn2/'])
  requests(`${JSON.stringify(path)} is something else of the cloudlet, and is not sent`, async () => {
    sent.length = 0;
    await refused(() => client.request(parseName('fn'), path), 'request-invalid', /a path below the function "fn"/);
    assert.equal(sent, []);
  });

requests.run();
