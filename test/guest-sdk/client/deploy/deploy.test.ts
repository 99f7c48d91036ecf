// end to end
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { deploy as deployTo } from '../../../../guest-sdk/client/deploy/deploy.ts';
import {
  type CloudletClient,
  contentOf,
  createClient,
  cutIntoParts,
  type DeployNews,
  failureOf,
  fetchTransport,
  type Transport,
  type TransportRequest,
} from '../../../../guest-sdk/client/index.ts';
import { connect } from '../../../../guest-sdk/client/request.ts';
import { CloudletError, digestOf, parseName, writePackage } from '../../../../guest-sdk/protocol/index.ts';
import { hostConfig } from '../../../../host/config.ts';
import { silentJournal } from '../../../../host/journal.ts';
import { type Serving, serve } from '../../../../host/main.ts';
import { guest } from '../../../support/guest.ts';
import { SeededRandom } from '../../../support/random.ts';

const deploy = suite('a device deploys');

let folder: string;
let serving: Serving;
let client: CloudletClient;
const random = new SeededRandom(11);
const MODEL = random.bytes(2_000_000);

const options = { journal: silentJournal, say: () => {}, handleSignals: false, advertise: false };
const start = async (port: number): Promise<Serving> => {
  const flags = { port, data: join(folder, 'data'), cache: join(folder, 'cache'), sandbox: 'process' };
  return serve(hostConfig(flags, { environment: {}, home: folder, isRoot: false }), options);
};

deploy.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cloudlet-deploy-'));
  serving = await start(0);
  client = createClient({ url: serving.url, token: serving.cloudlet.ownerToken });
});
deploy.after(async () => {
  await serving.close();
  await rm(folder, { recursive: true, force: true });
});

/** A package with some megabytes of files. */
async function packed(model: Uint8Array) {
  const component = await readFile(await guest('typed'));
  const grant = { files: [{ path: '/model', from: 'model' }] };
  const { digest, pieces } = await writePackage({ component, grant, files: [['model/weights', model]] });
  const bytes = Buffer.concat(pieces);
  return { digest, bytes, held: await cutIntoParts(contentOf(bytes)) };
}

async function all(news: AsyncIterable<DeployNews>) {
  const found: DeployNews[] = [];
  for await (const each of news) found.push(each);
  const end = found.at(-1)!;
  if (end.kind !== 'ended') throw new Error(`expected an end, got ${end.kind}`);
  return { found, end };
}

deploy('a package goes in parts, its next version as what changed, and then nothing goes', async () => {
  const one = await packed(MODEL);
  const first = await all(
    client.deploy({ want: { function: 'm', digest: one.digest, parts: [...one.held.parts] } }, one),
  );
  assert.equal(
    [first.end.deployment.rung, first.end.deployment.stage],
    ['package', 'ready'],
    first.end.deployment.problem?.detail,
  );
  // What cannot be compressed, with the list of its chunks.
  assert.ok(first.end.sentBytes < one.bytes.length * 1.03, `${first.end.sentBytes} bytes went`);

  const two = await packed(
    Buffer.concat([MODEL.subarray(0, 1_000_000), Buffer.from('changed'), MODEL.subarray(1_000_000)]),
  );
  const request = { want: { function: 'm', digest: two.digest, parts: [...two.held.parts] } };
  const second = await all(client.deploy(request, two));
  assert.equal([second.end.deployment.rung, second.end.deployment.published?.version], ['difference', 2]);
  assert.ok(second.end.sentBytes < two.bytes.length / 5, `${second.end.sentBytes} of ${two.bytes.length} bytes went`);
  const third = await all(client.deploy(request, two));
  assert.ok(['running', 'cached'].includes(third.end.deployment.rung));
  // The list of its chunks.
  assert.ok(third.end.sentBytes < two.bytes.length / 50, `${third.end.sentBytes} bytes went`);
  assert.ok((await client.deployments()).some(({ id }) => id === third.end.deployment.id));
});

deploy('over a link that breaks all the time, each event comes once and every byte arrives', async () => {
  const { digest, held } = await packed(random.bytes(1_000_000));
  const tries = new Map<string, number>();
  const breaking: Transport = async (sent: TransportRequest) => {
    const inner = fetchTransport();
    const lost = () => new CloudletError('network-unavailable', 'the link broke');
    if (sent.method === 'PUT') {
      const tried = (tries.get(sent.url) ?? 0) + 1;
      tries.set(sent.url, tried);
      if (tried === 1) throw lost();
      // The part arrives, its answer does not.
      if (tried === 2) {
        await inner(sent);
        throw lost();
      }
    }
    const response = await inner(sent);
    if (!sent.url.endsWith('/events')) return response;
    async function* cut() {
      yield* take(response.body, 2);
      throw lost();
    }
    return { ...response, body: cut() };
  };
  const host = connect(serving.url, serving.cloudlet.ownerToken, breaking);
  const request = { want: { function: 'broken', digest, parts: [...held.parts] } };
  const { found, end } = await all(deployTo(host, request, { held }, async () => {}));
  assert.is(end.deployment.stage, 'ready', end.deployment.problem?.detail);
  const ids = found.flatMap((news) => (news.kind === 'event' ? [news.event.id] : []));
  assert.equal(
    ids,
    ids.map((_, at) => at + 1),
  );
});

deploy('a cloudlet that starts again is asked again, and only what it has not is sent', async () => {
  const { digest, bytes, held } = await packed(random.bytes(3_000_000));
  const request = { want: { function: 'again', digest, parts: [...held.parts] } };
  let restarted: Promise<Serving> | null = null;
  let sent = 0;
  const accepted: number[] = [];
  for await (const news of client.deploy(request, { held })) {
    if (news.kind === 'accepted') accepted.push(news.deployment.bytesMissing);
    if (news.kind === 'sent' && news.bytes > 1_000_000 && restarted === null) {
      const { port } = serving;
      restarted = serving.close().then(() => start(port));
    }
    if (news.kind === 'ended') {
      sent = news.sentBytes;
      assert.is(news.deployment.stage, 'ready', news.deployment.problem?.detail);
    }
  }
  serving = (await restarted) ?? serving;
  assert.is(accepted.length, 2);
  assert.ok(accepted[1]! < accepted[0]! - 900_000, `${accepted[1]} of ${accepted[0]} bytes were missing`);
  assert.ok(sent < bytes.length + 600_000, `${sent} bytes went for ${bytes.length}`);
});

deploy('what is missing goes over the connection that was asked over, and events over the next', async () => {
  const { digest, held } = await packed(random.bytes(100_000));
  const asked: string[] = [];
  const inner = fetchTransport();
  const noting: Transport = (sent: TransportRequest) => {
    asked.push(`${sent.method} ${sent.url.endsWith('/events') ? 'events' : ''}`.trim());
    return inner(sent);
  };
  const host = connect(serving.url, serving.cloudlet.ownerToken, noting);
  const request = { want: { function: 'first', digest, parts: [...held.parts] } };
  const { end } = await all(deployTo(host, request, { held }));
  assert.is(end.deployment.stage, 'ready', end.deployment.problem?.detail);
  assert.equal(asked.slice(0, 2), ['POST', 'POST']);
  assert.ok(asked.includes('GET events'));
});

deploy('events are heard of also while the first part is still being read', async () => {
  const { digest, held } = await packed(random.bytes(100_000));
  const reading = { ...held, read: () => new Promise<Uint8Array>(() => undefined) };
  const leaving = new AbortController();
  const request = { want: { function: 'slow', digest, parts: [...held.parts] } };
  let events = 0;
  try {
    for await (const news of client.deploy(request, { held: reading, signal: leaving.signal })) {
      if (news.kind === 'event') events += 1;
      if (events > 0) leaving.abort(new Error('seen enough'));
    }
    assert.unreachable();
  } catch (error) {
    assert.match((error as Error).message, 'seen enough');
  }
  assert.ok(events > 0);
});

deploy('what fails is said with its code, and who leaves gives up', async () => {
  const bytes = random.bytes(100_000);
  const held = await cutIntoParts(contentOf(bytes));
  const want = { function: 'nothing', digest: await digestOf(bytes), parts: [...held.parts] };
  const { end } = await all(client.deploy({ want }, { held }));
  assert.is(failureOf(end.deployment)?.code, 'component-refused');
  let id = '';
  for await (const news of client.deploy({ want: { ...want, function: 'left' } })) {
    if (news.kind !== 'accepted') continue;
    id = news.deployment.id;
    break;
  }
  assert.is((await client.deployments()).find((each) => each.id === id)?.problem?.code, 'client-closed');
  assert.is((await client.cancelDeployment(id)).problem?.code, 'client-closed');
  assert.is(
    (await client.functions()).find(({ name }) => name === parseName('left')),
    undefined,
  );
});

deploy('the link is measured both ways', async () => {
  const { downBitsPerS, upBitsPerS, roundTripMs } = await client.measureLink(300_000);
  assert.ok(downBitsPerS > 0 && upBitsPerS > 0 && roundTripMs > 0);
  const refused = await client.measureLink(2 ** 30).catch((error: CloudletError) => error.code);
  assert.is(refused, 'request-invalid');
});

async function* take<T>(items: AsyncIterable<T>, count: number): AsyncGenerator<T> {
  let left = count;
  for await (const item of items) {
    yield item;
    left -= 1;
    if (left === 0) return;
  }
}

deploy.run();
