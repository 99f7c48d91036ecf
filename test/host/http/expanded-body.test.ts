import { gzipSync } from 'node:zlib';
import { Hono } from 'hono';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { HostContext } from '../../../host/http/connection.ts';
import { expandedBody } from '../../../host/http/expanded-body.ts';
import { createJournal } from '../../../host/journal.ts';
import { problemHandler } from '../../../host/problem.ts';
import { collect } from '../memory-engine.ts';

const body = suite('bodies that may be in gzip');

const app = new Hono<HostContext>();
app.post('/', async (c) => c.text(Buffer.from(await collect(expandedBody(c, { maxBytes: 1000 }))).toString()));
app.onError(problemHandler(createJournal({ write: () => {} })));

const TEXT = Buffer.from('one hop away '.repeat(20));
const PACKED = gzipSync(TEXT);

for (const [what, bytes, encoding, status, said] of [
  ['as they are', TEXT, undefined, 200, TEXT.toString()],
  ['as they are, said', TEXT, 'identity', 200, TEXT.toString()],
  ['in gzip', PACKED, 'gzip', 200, TEXT.toString()],
  ['in gzip, in capitals', PACKED, 'GZIP', 200, TEXT.toString()],
  ['that say gzip and are none', TEXT, 'gzip', 400, 'expected a body in gzip as its Content-Encoding says'],
  ['in gzip that is cut off', PACKED.subarray(0, -9), 'gzip', 400, 'expected a body in gzip'],
  ['that expand to more than may come', gzipSync(Buffer.alloc(1001)), 'gzip', 413, 'got one that expands to more'],
  ['that expand to a thousand times what came', gzipSync(Buffer.alloc(500_000)), 'gzip', 413, 'expands to more'],
  ['in another encoding', PACKED, 'br', 415, 'expected a body without Content-Encoding, got'],
] as const) {
  body(`${what}: ${status}`, async () => {
    const headers = encoding === undefined ? {} : { 'content-encoding': encoding };
    const response = await app.request('/', { method: 'POST', body: new Uint8Array(bytes), headers });
    assert.is(response.status, status);
    assert.match(await response.text(), said);
  });
}

body.run();
