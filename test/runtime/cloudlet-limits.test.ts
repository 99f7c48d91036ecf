// end to end
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type CloudletError, parseName } from '../../guest-sdk/protocol/index.ts';
import type { CallOptions } from '../../runtime/index.ts';
import { bodyOf, type CloudletLab, openLab, publishGuest } from '../support/cloudlet-lab.ts';

/** Invocations that wait for a place. */
const QUEUE = 4;
const PLACES = 2;

const limits = suite<{ lab: CloudletLab }>('the limits of a function of a cloudlet');
const JSON_CALL: CallOptions = { argumentFormat: 'json', resultFormat: 'json' };

limits.before(async (context) => {
  context.lab = await openLab({
    limits: { machines: 2, concurrency: PLACES, bodyBytes: 1000, pool: { queueLength: QUEUE, sandboxes: 1 } },
  });
  await publishGuest(context.lab.cloudlet, 'hostile');
  await publishGuest(context.lab.cloudlet, 'hello-http');
});
limits.after(({ lab }) => lab.close());

const call = async ({ lab }: { lab: CloudletLab }, target: string, ...args: unknown[]): Promise<unknown> => {
  try {
    return (await lab.cloudlet.call(parseName('hostile'), target, args, JSON_CALL)).value;
  } catch (error) {
    return (error as CloudletError).code;
  }
};
const hello = { door: 'http', method: 'GET', scheme: 'http', authority: 'a.test', path: '/' } as const;
const ask = async ({ lab }: { lab: CloudletLab }, fields: number, body: string | Uint8Array): Promise<unknown> => {
  const headers = Array.from({ length: fields }, (_, at) => [`x-${at}`, new Uint8Array([0x61])] as const);
  try {
    const input = typeof body === 'string' ? bodyOf(body) : body;
    const answer = await lab.cloudlet.invoke(parseName('hello-http'), { ...hello, headers }, input);
    for await (const _ of answer.output) {
      // Taken, so that it comes to its end.
    }
    await answer.done;
    return answer.head?.status;
  } catch (error) {
    return (error as CloudletError).code;
  }
};

for (const [what, target, args, expected] of [
  ['a million handles', 'handles', [1_000_000], 'limit-exceeded'],
  ['4 GiB of random bytes', 'random-bytes', [4_294_967_296], 'limit-exceeded'],
  ['a list beyond 2^31', 'booleans', [4_294_967_295], 'guest-trapped'],
  ['seven million booleans', 'booleans', [7_000_000], 'result-too-large'],
  ['-1 for a u32', 'handles', [-1], 'argument-invalid'],
  ['what it may have', 'handles', [10], 10],
] as const) {
  limits(`${what}: its caller gets ${expected}`, async (context) => {
    assert.is(await call(context, target, ...args), expected);
  });
}

for (const [what, fields, body, expected] of [
  ['256 header fields', 256, '', 200],
  ['32,769 header fields', 32_769, '', 'headers-too-large'],
  ['a body that is too large at once', 1, new Uint8Array(1001), 'body-too-large'],
] as const) {
  limits(`${what}: its caller gets ${expected}`, async (context) => {
    assert.is(await ask(context, fields, body), expected);
  });
}

limits('as many run as there are places, as many wait as may, the others are told to come again', async (context) => {
  const outcomes = await Promise.all(Array.from({ length: 20 }, () => call(context, 'wait', 300)));
  const answered = outcomes.filter((outcome) => outcome === null).length;
  assert.is(outcomes.filter((outcome) => outcome === 'at-capacity').length, 20 - answered);
  assert.ok(answered >= QUEUE && answered <= PLACES + QUEUE, `${answered} were answered`);
  assert.is(await call(context, 'count'), 1);
});

limits('what its guest did wrong is in its log', async ({ lab }) => {
  const lines: string[] = [];
  for await (const { stream, text } of lab.cloudlet.logs(parseName('hostile'))) if (stream === 'host') lines.push(text);
  for (const code of ['limit-exceeded: the guest holds 4096', 'result-too-large: ', 'guest-trapped: ']) {
    assert.ok(
      lines.some((line) => line.startsWith(code)),
      `${code} in ${lines.join('\n')}`,
    );
  }
});

limits.run();
