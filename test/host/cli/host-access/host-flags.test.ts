import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { isThisMachine, tokenInLink } from '../../../../host/cli/host-access/host-flags.ts';

const access = suite('access to a host');

for (const [hostname, own] of [
  ['localhost', true],
  ['127.0.0.1', true],
  ['127.8.9.10', true],
  ['[::1]', true],
  ['192.168.1.5', true],
  ['192.168.1.6', false],
  ['localhost.example.com', false],
  ['127.0.0.1.example.com', false],
  ['cl-1234.local', false],
  ['', false],
] as const) {
  access(
    `${JSON.stringify(hostname)} is ${own ? '' : 'not '}this machine, which alone is given the owner's token`,
    () => {
      assert.is(isThisMachine(hostname, ['192.168.1.5', 'fe80::1']), own);
    },
  );
}

for (const [link, token] of [
  ['http://localhost:8080/#token=abc', 'abc'],
  ['http://localhost:8080#token=a-b_c', 'a-b_c'],
  ['http://localhost:8080/', undefined],
  ['http://localhost:8080/?token=abc', undefined],
  ['no link', undefined],
] as const) {
  access(`${link} carries ${token ?? 'no token'}`, () => assert.is(tokenInLink(link), token));
}

access.run();
