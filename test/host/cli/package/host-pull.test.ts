import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { DeployNews } from '../../../../guest-sdk/client/index.ts';
import { CloudletError, type Deployment, type DeploymentRequestInput } from '../../../../guest-sdk/protocol/index.ts';
import { expectRegistry, type HostPullWords, pulledByHost } from '../../../../host/cli/package/host-pull.ts';
import { UsageError } from '../../../../host/cli/usage-error.ts';

const pull = suite('who pulls from a registry');

const NEVER = new AbortController().signal;
const READY: Deployment = {
  ...{ id: 'd1', kind: 'function', name: 'photo', function: 'photo', rung: 'pulled' },
  ...{ stage: 'ready', state: 'ready', bytesDone: 8, bytesTotal: 8, estimateS: null },
  ...{ startedAt: '2026-11-26T00:00:00Z', endedAt: '2026-11-26T00:00:01Z', address: '/v1/functions/photo' },
};
const failed = (code: string): Deployment => ({ ...READY, stage: 'failed', problem: { code, detail: 'it broke' } });

/** Whether a host at `url` that answers so pulled it, and what it was asked. */
async function asked(url: string, what: string, words: HostPullWords, answer: Deployment | CloudletError = READY) {
  const requests: DeploymentRequestInput[] = [];
  const client = {
    url,
    publishers: { list: unasked, accept: unasked, forget: unasked },
    async *deploy(request: DeploymentRequestInput): AsyncGenerator<DeployNews> {
      requests.push(request);
      if (answer instanceof CloudletError) throw answer;
      yield { kind: 'ended', deployment: answer, sentBytes: 90 };
    },
  };
  const end = await pulledByHost(client, what, { user: 'me:pw', ...words }, [], NEVER);
  return { by: end === null ? 'here' : 'host', requests };
}
const unasked = () => Promise.reject(new Error('nobody is asked'));

const NEAR = 'http://localhost:8080';
const FAR = 'http://10.0.0.7:8080';
const SAFE = 'https://cloudlet.example';
const IMAGES = 'oci://images.example/team/photo:v1';
const LOCAL = 'oci://localhost:5000/photo';
const NO_WAY = new CloudletError('function-unknown', 'expected a way, found none (pulled: the policy)');

for (const [what, url, reference, words, answer, by] of [
  ['the host, where it may', NEAR, IMAGES, {}, READY, 'host'],
  ["the host, of this computer's registry", NEAR, LOCAL, {}, READY, 'host'],
  ['this computer, of its own registry, for a host elsewhere', SAFE, LOCAL, {}, READY, 'here'],
  ['this computer, where a password would go in clear', FAR, IMAGES, {}, READY, 'here'],
  ['the host, where it would not', SAFE, IMAGES, {}, READY, 'host'],
  ['this computer, of what it signs', NEAR, IMAGES, { key: 'k.jwk' }, READY, 'here'],
  ['this computer, where it is told to', NEAR, IMAGES, { pull: 'here' }, READY, 'here'],
  ["this computer, where the host's policy does not let it", NEAR, IMAGES, {}, NO_WAY, 'here'],
  ['this computer, where the host reaches nothing', NEAR, IMAGES, {}, failed('network-unavailable'), 'here'],
] as const)
  pull(`is ${what}`, async () => {
    const found = await asked(url, reference, words, answer);
    assert.is(found.by, by);
    if (by === 'host')
      assert.equal(found.requests, [
        { want: { function: 'photo', from: reference }, requirements: [], credentials: 'me:pw' },
      ]);
  });

for (const [what, url, reference, words, answer, sentence] of [
  ['another word', NEAR, IMAGES, { pull: 'both' }, READY, /--pull host or --pull here/],
  ['a host that cannot', SAFE, LOCAL, { pull: 'host' }, READY, /another computer to the host/],
  ['a host that may not', NEAR, IMAGES, { pull: 'host' }, NO_WAY, /the policy/],
  ['a host that reaches nothing', NEAR, IMAGES, { pull: 'host' }, failed('network-unavailable'), /it broke/],
  ['what is no package', NEAR, IMAGES, {}, failed('package-invalid'), /it broke/],
  [
    'a host that is not there',
    NEAR,
    IMAGES,
    {},
    new CloudletError('network-unavailable', 'no cloudlet'),
    /no cloudlet/,
  ],
] as const)
  pull(`${what} is refused`, async () => {
    const error = await asked(url, reference, words, answer).catch((thrown: Error) => thrown);
    assert.instance(error, Error);
    assert.match((error as Error).message, sentence);
  });

pull('--pull is for what is in a registry', () => {
  assert.throws(
    () => expectRegistry('photo.wasm', 'host'),
    (error: unknown) => error instanceof UsageError,
  );
  expectRegistry(IMAGES, 'host');
  expectRegistry('photo.wasm', undefined);
});

pull.run();
