// end to end
import { once } from 'node:events';
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Problem } from '../../guest-sdk/protocol/index.ts';
import { HostLab } from '../support/host-lab.ts';
import { ended } from '../support/process-tree.ts';

const drain = suite<{ lab: HostLab }>('a host that is told to stop');

drain.before.each(async (context) => {
  context.lab = await HostLab.open('process');
  await context.lab.publish('echo-http');
});
drain.after.each(({ lab }) => lab.close());

drain('is not ready any more, takes nothing new, lets what runs finish, and exits well', async ({ lab }) => {
  const { call, answer } = await beginEcho(lab, 'first, ');
  process.kill(lab.pid, 'SIGTERM');
  assert.is(await until(lab, '/readyz', 503), 'draining');
  const refused = await lab.ask('/f/echo-http/echo', { method: 'POST', body: 'too late' });
  assert.equal([refused.status, ((await refused.json()) as Problem).code], [503, 'draining']);
  assert.ok(Number(refused.headers.get('retry-after')) > 0);
  assert.is((await lab.ask('/healthz')).status, 200);
  call.end('second');
  assert.is(await rest(answer), 'second');
  assert.equal(await lab.ended, [0, null]);
});

drain('ends at once when it is told again, and its sandboxes with it', async ({ lab }) => {
  const { call, answer } = await beginEcho(lab, 'first, ');
  const broken = rest(answer).catch((error: NodeJS.ErrnoException) => error.code);
  call.on('error', () => {});
  const { sandboxes } = (await (await lab.ask('/v1/sandboxes')).json()) as { sandboxes: { pid: number }[] };
  assert.is(sandboxes.length, 1);
  process.kill(lab.pid, 'SIGTERM');
  await until(lab, '/readyz', 503);
  process.kill(lab.pid, 'SIGTERM');
  assert.equal(await lab.ended, [1, null]);
  assert.is(await broken, 'ECONNRESET');
  await ended(sandboxes[0]!.pid);
});

/** Begins a call whose input stays open, and waits for the first words of its answer. */
async function beginEcho(lab: HostLab, text: string): Promise<{ call: ClientRequest; answer: IncomingMessage }> {
  const headers = { authorization: `Bearer ${lab.token}` };
  const call = request(`${lab.url}/f/echo-http/echo`, { method: 'POST', headers });
  call.write(text);
  const [answer] = (await once(call, 'response')) as [IncomingMessage];
  answer.setEncoding('utf8');
  const [first] = (await once(answer, 'data')) as [string];
  assert.is(first, text);
  answer.pause();
  return { call, answer };
}

async function rest(answer: IncomingMessage): Promise<string> {
  let text = '';
  for await (const part of answer) text += part;
  return text;
}

/** Asks until the answer has this status, and gives the problem's code. */
async function until(lab: HostLab, path: string, status: number): Promise<string> {
  for (;;) {
    const response = await lab.ask(path);
    if (response.status === status) return ((await response.json()) as Problem).code;
    await response.body?.cancel();
  }
}

drain.run();
