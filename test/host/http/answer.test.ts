import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { AS_OWNER, chunks, type GuestAnswer, testHost } from '../memory-engine.ts';

const answers = suite('an http answer that has come whole');

const field = (name: string, value: string) => [name, Buffer.from(value)] as const;
const WHOLE = new Uint8Array(Buffer.from('all of it'));

async function ask(answer: Partial<GuestAnswer>, method = 'GET'): Promise<Response> {
  const { app, engine } = testHost();
  engine.guest = async () => ({ head: { status: 201, headers: [] }, output: chunks('as it came'), ...answer });
  return await app.request('/f/hello/', { method, headers: AS_OWNER });
}

answers('has all its timing in the head, and no trailer', async () => {
  const response = await ask({ whole: WHOLE });
  assert.is(response.status, 201);
  assert.is(await response.text(), 'all of it');
  assert.is(response.headers.get('trailer'), null);
  assert.is(response.headers.get('server-timing'), 'queue;dur=0.5, start;dur=84;desc="boot", run;dur=3.25');
});

answers('has the headers that a streamed one has', async () => {
  const headers = [field('X-One', 'a'), field('x-one', 'b'), field('set-cookie', 'no'), field('content-type', 'a/b')];
  const [whole, streamed] = await Promise.all(
    [{ whole: WHOLE }, {}].map((how) => ask({ head: { status: 200, headers }, ...how })),
  );
  const named = (response: Response) =>
    [...response.headers].filter(([name]) => !['server-timing', 'trailer'].includes(name)).sort();
  assert.equal(named(whole!), named(streamed!));
  assert.is(whole!.headers.get('x-one'), 'a, b');
  assert.is(whole!.headers.get('x-frame-options'), 'DENY');
  assert.match(whole!.headers.get('content-security-policy')!, /^sandbox/);
});

answers('is refused when it has not the length that the function declared', async () => {
  const response = await ask({ head: { status: 200, headers: [field('content-length', '3')] }, whole: WHOLE });
  assert.is(response.status, 502);
  assert.match(((await response.json()) as { detail: string }).detail, 'expected 3 bytes as declared, got 9');
});

answers('is streamed when the function sends trailers', async () => {
  const response = await ask({ whole: WHOLE, output: chunks(), end: { trailers: [field('x-sum', '1')] } });
  assert.is(await response.text(), 'all of it');
});

answers('has no body for a HEAD', async () => {
  const response = await ask({ whole: WHOLE }, 'HEAD');
  assert.is(await response.text(), '');
});

answers.run();
