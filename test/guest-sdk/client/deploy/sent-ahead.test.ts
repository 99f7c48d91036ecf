import { gunzipSync } from 'node:zlib';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type DeployNews, deploy } from '../../../../guest-sdk/client/deploy/deploy.ts';
import { connect } from '../../../../guest-sdk/client/request.ts';
import type { TransportRequest } from '../../../../guest-sdk/client/transport.ts';
import {
  type AcceptedDeployment,
  CloudletError,
  type Deployment,
  type Digest,
  digestOfHex,
  readBatch,
} from '../../../../guest-sdk/protocol/index.ts';

const ahead = suite('parts that go beside the question');
const digest = (at: number): Digest => digestOfHex(at.toString(16).padStart(64, '0'));
const KIB = 1024;
/** The state, three segments of memory, one of the disk. */
const LENGTHS = [KIB, 60 * KIB, 280 * KIB, 150 * KIB, 250 * KIB];

interface World {
  /** What the cloudlet lacks when it is asked. */
  readonly missing?: readonly number[];
  /** What comes of the first parts: they arrive, are refused, or are on their way until they are left. */
  readonly first?: 'arrive' | 'refused' | 'slow';
  readonly overlay?: boolean;
  /** Compressed as it goes, of which so many parts are code: a package that is taken to be there or not. */
  readonly code?: { readonly parts: number; readonly unasked: boolean };
  readonly asked?: (id: string | undefined) => Promise<void>;
  /** Lengths of the parts. */
  readonly lengths?: readonly number[];
  readonly seen?: string[];
  /** Whoever deploys leaves at the first news. */
  readonly leaves?: boolean;
}

/** Deploys at a cloudlet that does as told; gives what it saw, in its order, and the news. */
async function deployed(world: World = {}) {
  const {
    missing = [0, 1, 2, 3, 4],
    first = 'arrive',
    overlay = true,
    code,
    asked,
    lengths = LENGTHS,
    seen = [],
    leaves,
  } = world;
  const all = lengths.map((bytes, at) => ({ digest: digest(at), bytes }));
  const ids: string[] = [];
  const left = new Set(missing);
  let isFirst = true;
  let known = '';
  const wanted = () => ({ wanted: [...left].map(digest), missing: left.size });
  const state = (stage: string): Deployment => ({
    ...{ id: known, kind: 'service', name: 'x', rung: 'overlay', stage, state: stage, estimateS: null },
    ...{ bytesDone: 0, bytesTotal: 1, startedAt: '2026-11-26T00:00:00Z', address: '/s/x/' },
    endedAt: stage === 'ready' ? '2026-11-26T00:00:01Z' : null,
  });
  const host = connect('http://cloudlet.test', undefined, async (sent: TransportRequest) => {
    const path = sent.url.slice('http://cloudlet.test'.length);
    if (path === '/v1/deployments') {
      seen.push('question');
      const body = sent.body as Uint8Array;
      const text = sent.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body;
      const { id } = JSON.parse(new TextDecoder().decode(text)) as { id?: string };
      await asked?.(id);
      known = id ?? 'chosen here';
      ids.push(known);
      seen.push('answer');
      const accepted: AcceptedDeployment = {
        ...state('receiving'),
        ...{ missing: missing.map((at) => all[at]!), bytesMissing: 1, events: '' },
      };
      return answer(accepted);
    }
    if (path.endsWith('/events')) {
      while (left.size > 0) await new Promise(setImmediate);
      return answer(`id: 1\nevent: state\ndata: ${JSON.stringify(state('ready'))}\n\n`);
    }
    if (sent.method === 'GET') {
      seen.push('what is wanted?');
      return answer(wanted());
    }
    const isAhead = isFirst;
    isFirst = false;
    const numbers: number[] = [];
    const isPlain = sent.headers['content-encoding'] === undefined;
    const batch = isPlain ? (sent.body as Uint8Array) : gunzipSync(sent.body as Uint8Array);
    for await (const part of readBatch(once(batch))) numbers.push(Number.parseInt(part.digest.slice(7), 16));
    seen.push(numbers.join());
    ids.push(path.split('/')[3]!);
    if (isAhead && first === 'refused') throw new CloudletError('not-found', 'expected the id of a deployment');
    if (isAhead && first === 'slow') {
      await new Promise((resolve) => sent.signal!.addEventListener('abort', resolve, { once: true }));
      seen.push('left');
      throw new CloudletError('network-unavailable', 'it was left');
    }
    for (const number of numbers) left.delete(number);
    return answer(wanted());
  });
  const held = {
    parts: all,
    dataFrom: code?.parts ?? 4,
    ...{ inBatches: true, isPacked: code === undefined },
    read: async (each: Digest) => new Uint8Array(lengths[Number.parseInt(each.slice(7), 16)]!),
  };
  const want = { service: 'x', ...(overlay ? { overlay: { kind: 'overlay' } } : { from: 'http://x.test/a.overlay' }) };
  const news: DeployNews[] = [];
  const request = { want, ...(code === undefined ? {} : { early: true }) };
  const options = { held, unasked: code?.unasked ?? false };
  for await (const each of deploy(host, request, options, async () => undefined)) {
    news.push(each);
    if (leaves === true) break;
  }
  return { seen, ids: new Set(ids), news };
}

function answer(what: object | string) {
  const text = typeof what === 'string' ? what : JSON.stringify(what);
  return {
    ...{ status: 200, header: () => null, trailer: () => null },
    body: once(new TextEncoder().encode(text)),
  };
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

const turns = async () => {
  for (let turn = 0; turn < 10; turn += 1) await new Promise(setImmediate);
};

ahead('the first are on their way before the answer, under the id of the question, and none goes twice', async () => {
  const { seen, ids, news } = await deployed({ asked: turns });
  assert.equal(seen.slice(0, 4), ['question', '0,1', 'answer', '2,3,4']);
  assert.is(ids.size, 1);
  assert.match([...ids][0]!, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  const end = news.at(-1)!;
  const sum = LENGTHS.reduce((total, bytes) => total + bytes, 0);
  assert.ok(end.kind === 'ended' && end.sentBytes >= sum && end.sentBytes < sum + KIB);
});

ahead('what is here already is left, and nothing else goes', async () => {
  const { seen } = await deployed({ missing: [], first: 'slow', asked: turns });
  assert.equal(seen.sort(), ['0,1', 'answer', 'left', 'question']);
});

ahead('what did not arrive goes again', async () => {
  const { seen } = await deployed({ first: 'refused' });
  assert.equal(seen.sort(), ['0,1', '0,1', '2,3,4', 'answer', 'question', 'what is wanted?']);
});

ahead('who leaves a deployment leaves what is on its way to it', async () => {
  const { seen } = await deployed({ first: 'slow', asked: turns, leaves: true });
  await turns();
  assert.ok(seen.includes('left'), seen.join());
});

ahead('of what is no overlay nothing goes unasked', async () => {
  const { seen, ids } = await deployed({ overlay: false, asked: turns });
  assert.equal(seen.slice(0, 3), ['question', 'answer', '0,1,2,3,4']);
  assert.is([...ids][0], 'chosen here');
});

ahead('of a package that is taken not to be there code goes unasked, and a grant behind it', async () => {
  const short = { overlay: false, lengths: [100 * KIB, 200 * KIB, KIB, KIB], missing: [0, 1, 2, 3] };
  const seen: string[] = [];
  /** The question is answered when the first came: compressing takes its time. */
  const untilCame = async () => {
    while (!seen.some((each) => each.includes(','))) await new Promise(setImmediate);
  };
  await deployed({ ...short, seen, asked: untilCame, code: { parts: 2, unasked: true } });
  assert.equal(seen.splice(0), ['question', '0,1,2,3', 'answer']);
  await deployed({ ...short, seen, code: { parts: 2, unasked: false } });
  assert.equal(seen.splice(0), ['question', 'answer', '0,1,2,3']);
  const lengths = [200 * KIB, 200 * KIB, 100 * KIB, 90 * KIB, 90 * KIB];
  await deployed({ overlay: false, seen, asked: untilCame, lengths, code: { parts: 3, unasked: true } });
  assert.equal(seen, ['question', '0,1', 'answer', '2', '3,4'], 'code beyond a length, and data, wait for the answer');
});

ahead('a first part that is long does not go unasked', async () => {
  const { seen, ids } = await deployed({ lengths: [192 * KIB + 1, KIB, KIB, KIB, KIB], asked: turns });
  assert.equal(seen.slice(0, 3), ['question', 'answer', '0,1,2,3,4']);
  assert.is([...ids][0], 'chosen here');
});

ahead('a cloudlet that knows no ids is asked again without one, and all goes to the one that it chose', async () => {
  const asked = async (id: string | undefined) => {
    await turns();
    if (id !== undefined) throw new CloudletError('request-invalid', 'expected never, got "id"');
  };
  const { seen, news } = await deployed({ first: 'slow', asked });
  assert.equal(seen.slice(0, 2), ['question', '0,1']);
  assert.equal(seen.filter((each) => each === 'question').length, 2);
  assert.equal(
    seen.filter((each) => each.includes(',')),
    ['0,1', '0,1,2,3,4'],
  );
  assert.is(seen.filter((each) => each === 'left').length, 1);
  const end = news.at(-1)!;
  assert.ok(end.kind === 'ended' && end.deployment.id === 'chosen here' && end.deployment.stage === 'ready');
});

ahead('a question that fails leaves what goes beside it', async () => {
  const seen: string[] = [];
  const asked = async () => {
    await turns();
    throw new CloudletError('requirements-unmet', 'too little memory');
  };
  try {
    await deployed({ first: 'slow', asked, seen });
    assert.unreachable();
  } catch (error) {
    assert.is((error as CloudletError).code, 'requirements-unmet');
  }
  await turns();
  assert.equal(seen, ['question', '0,1', 'left']);
});

ahead.run();
