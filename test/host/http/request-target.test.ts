import { Hono } from 'hono';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { HostContext } from '../../../host/http/connection.ts';
import { requestTarget } from '../../../host/http/request-target.ts';

const target = suite("a request's target");

const app = new Hono<HostContext>().all('*', (c) => c.json(requestTarget(c)));

for (const url of [
  'http://localhost/',
  'http://localhost',
  'http://localhost:8080/f/hello/a%20b?x=1&y=%2F',
  'https://cl-12345678.local/f/hello?',
  'http://[::1]:8080//twice?a=http://other/path?b',
  'http://127.0.0.1:8080/f/x@y?mail=a@b',
  'http://localhost:80/',
  'http://LOCALHOST/ä?ö#fragment',
  'http://localhost/?question#?more/@x',
]) {
  target(`is that of ${url}`, async () => {
    const { protocol, host, pathname, search } = new URL(url);
    const cut = (await (await app.request(url)).json()) as ReturnType<typeof requestTarget>;
    // A question mark alone is a part of what was sent.
    const empty = /\?$/.test(url) ? '?' : '';
    assert.equal(cut, {
      scheme: protocol.slice(0, -1),
      authority: host,
      pathWithQuery: pathname + search + empty,
    });
  });
}

target.run();
