import { connect } from 'node:net';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { listen } from '../../../host/listener.ts';

const head = suite('the head of a streamed answer');

/** What comes of a request by this method, as it comes, until the answer ends; each part that came by itself. */
async function sent(method: string, answer: () => Response, until: string): Promise<string[]> {
  const listener = await listen('127.0.0.1', 0, answer);
  try {
    const parts: string[] = [];
    const socket = connect(listener.port, '127.0.0.1');
    socket.write(`${method} / HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    await new Promise<void>((resolve, reject) => {
      socket.on('data', (data) => {
        parts.push(data.toString('latin1'));
        if (parts.join('').includes(until)) resolve();
      });
      socket.on('error', reject).on('close', () => reject(new Error(`closed after ${parts.join('')}`)));
    });
    socket.destroy();
    return parts;
  } finally {
    await listener.close(0);
  }
}

const NAME = 'caf\u00e9 \u00ff\u0080';
const headers = { 'content-type': 'text/plain', 'x-name': NAME };

head('leaves before the body, with the bytes that its fields have', async () => {
  const body = new ReadableStream({
    async pull(controller) {
      await new Promise((resolve) => setTimeout(resolve, 200));
      controller.enqueue(Buffer.from('gr\u00fc\u00df'));
      controller.close();
    },
  });
  const parts = await sent('GET', () => new Response(body, { headers }), '0\r\n\r\n');
  assert.match(parts[0]!, `x-name: ${NAME}\r\n`);
  assert.not.match(parts[0]!, 'gr');
  const after = Buffer.from(parts.slice(1).join(''), 'latin1').toString();
  assert.is(after, '6\r\ngr\u00fc\u00df\r\n0\r\n\r\n');
});

for (const [what, method, status] of [
  ['HEAD', 'HEAD', 200],
  ['no content', 'GET', 204],
  ['nothing new', 'GET', 304],
] as const) {
  head(`comes whole where there is no body: ${what}`, async () => {
    const [all] = await sent(method, () => new Response(null, { status, headers }), '\r\n\r\n');
    assert.match(all!, `x-name: ${NAME}\r\n`);
    assert.match(all!, new RegExp(`^HTTP/1.1 ${status} `));
  });
}

head.run();
