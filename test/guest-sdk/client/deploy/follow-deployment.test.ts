import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { followDeployment } from '../../../../guest-sdk/client/deploy/follow-deployment.ts';
import { connect } from '../../../../guest-sdk/client/request.ts';

const following = suite('following a deployment');

const ID = '6f0a4f6c-1f3e-4c0e-9f43-2f1f0b3a9e11';
const state = (id: number, stage: string) =>
  `id: ${id}\nevent: state\ndata: ${JSON.stringify({
    ...{ id: ID, kind: 'function', name: 'photo', rung: 'package', stage, state: stage },
    ...{ bytesDone: 0, bytesTotal: null, estimateS: null, startedAt: '2026-11-26T00:00:00.000Z' },
    endedAt: stage === 'ready' || stage === 'failed' ? '2026-11-26T00:00:01.000Z' : null,
  })}\n\n`;

/** Follows what these connections say, one after the other; gives stages, and what was said to have been seen. */
async function follow(connections: readonly string[]) {
  const asked: (string | undefined)[] = [];
  const host = connect('http://cloudlet.test', undefined, async ({ headers }) => {
    asked.push(headers['last-event-id']);
    const text = connections[asked.length - 1] ?? '';
    return {
      ...{ status: 200, header: () => null, trailer: () => null },
      body: (async function* () {
        yield new TextEncoder().encode(text);
      })(),
    };
  });
  const stages: string[] = [];
  for await (const event of followDeployment(host, ID, undefined, async () => undefined))
    if (event.event === 'state') stages.push(event.data.stage);
  return { stages, asked };
}

for (const [what, connections, stages, asked] of [
  ['goes on behind the last', [state(1, 'a') + state(2, 'b'), state(3, 'ready')], ['a', 'b', 'ready'], ['2']],
  [
    'hears the end of a cloudlet that lost its last events, though its number was seen',
    [state(1, 'a') + state(2, 'b') + state(3, 'c'), state(1, 'a') + state(2, 'failed')],
    ['a', 'b', 'c', 'a', 'failed'],
    ['3'],
  ],
  ['hears nothing twice of one connection', [state(1, 'a') + state(1, 'a') + state(2, 'ready')], ['a', 'ready'], []],
] as const)
  following(what, async () => {
    const seen = await follow(connections);
    assert.equal([seen.stages, seen.asked.slice(1)], [stages, asked]);
  });

following.run();
