import { request as httpRequest } from 'node:http';
import { type Context, Hono } from 'hono';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type HostContext, setBeside } from '../../../host/http/connection.ts';
import { wholeResponse } from '../../../host/http/protection.ts';
import { listen } from '../../../host/listener.ts';

const whole = suite('whole answers');

/** What comes over a connection: body and the field `x-name` byte by byte, and the length that was told. */
async function sent(body: Uint8Array<ArrayBuffer> | string, field: string, beside?: string) {
  const app = new Hono<HostContext>();
  app.get('/', (c: Context<HostContext>) => {
    if (beside !== undefined) setBeside(c, '__proto__', beside);
    return wholeResponse(c, 201, body, { 'content-type': 'text/plain', 'x-name': field });
  });
  const listener = await listen('127.0.0.1', 0, (request, connection) => app.fetch(request, connection));
  try {
    return await new Promise<{ body: Buffer; field: Buffer; beside: Buffer; length: string | undefined }>(
      (resolve, reject) => {
        const asked = httpRequest({ port: listener.port, path: '/' }, async (answer) => {
          const parts: Buffer[] = [];
          for await (const part of answer) parts.push(part);
          assert.is(answer.statusCode, 201);
          const name = Buffer.from(answer.headers['x-name'] as string, 'latin1');
          const at = answer.rawHeaders.indexOf('__proto__');
          const other = Buffer.from(answer.rawHeaders[at + 1] ?? '', 'latin1');
          resolve({ body: Buffer.concat(parts), field: name, beside: other, length: answer.headers['content-length'] });
        });
        asked.on('error', reject).end();
      },
    );
  } finally {
    await listener.close(0);
  }
}

const bytes = (from: string, encoding: BufferEncoding) => new Uint8Array(Buffer.from(from, encoding));

for (const [what, body, field] of [
  ['ASCII', bytes('hello\r\n\0', 'latin1'), 'plain'],
  ['nothing', new Uint8Array(0), 'plain'],
  ['bytes that are no text', bytes('00ff80c3', 'hex'), 'plain'],
  ['ASCII beside a field that is none', bytes('hello', 'latin1'), 'caf\u00e9'],
  ['UTF-8 beside a field that is no ASCII', bytes('gr\u00fc\u00df', 'utf8'), 'caf\u00e9'],
  ['much ASCII', new Uint8Array(100_000).fill(0x61), 'plain'],
] as const) {
  whole(`go byte by byte as they are: ${what}`, async () => {
    const got = await sent(body as Uint8Array<ArrayBuffer>, field);
    assert.equal(new Uint8Array(got.body), body);
    assert.equal(got.field, Buffer.from(field, 'latin1'));
    assert.is(got.length, String(body.length));
  });
}

whole('go byte by byte as they are beside a field that no plain object can carry', async () => {
  const got = await sent(bytes('hello', 'latin1'), 'plain', 'caf\u00e9');
  assert.equal(got.beside, Buffer.from('caf\u00e9', 'latin1'));
});

whole('may be a text, which goes in UTF-8', async () => {
  const got = await sent('"gr\u00fc\u00df"', 'plain');
  assert.is(got.body.toString('utf8'), '"gr\u00fc\u00df"');
  assert.is(got.length, '8');
});

whole.run();
