import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  CloudletError,
  type ErrorCode,
  type FunctionName,
  isEnded,
  MAX_PARTS,
} from '../../../../guest-sdk/protocol/index.ts';
import type { DeploymentsOptions, Provisioned, RungContext, Wish } from '../../../../runtime/provision/index.ts';
import { endOf, eventsOf, NEVER, once, openDeploymentsLab, PHOTO, partOf, request, rung } from './deployments-lab.ts';

const deployments = suite('deployments');

const FIRST = new Uint8Array(1000).fill(1);
const SECOND = new Uint8Array(2000).fill(2);
const PARTS = [partOf(FIRST), partOf(SECOND)];
const [first, second] = PARTS as [(typeof PARTS)[0], (typeof PARTS)[0]];

async function refused(work: Promise<unknown>, code: ErrorCode, message: RegExp): Promise<void> {
  const error = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  assert.instance(error, CloudletError);
  assert.is((error as CloudletError).code, code);
  assert.match((error as CloudletError).message, message);
}

async function turns(happened: () => boolean): Promise<void> {
  while (!happened()) await new Promise((resolve) => setImmediate(resolve));
}

/** Reads all parts, the second first. */
const reading = async ({ parts, report }: RungContext) => {
  const bytes = [await parts.get(second.digest), await parts.get(first.digest)];
  assert.equal(
    bytes,
    [Buffer.from(SECOND), Buffer.from(FIRST)].map((each) => new Uint8Array(each)),
  );
  report({ stage: 'starting' });
  return PHOTO;
};

deployments('what runs already is ready at once', async () => {
  const lab = await openDeploymentsLab([rung('package', reading), rung('running', async () => PHOTO)]);
  const { deployment, missing } = await lab.deployments.ask(request());
  assert.equal(
    [deployment.rung, deployment.stage, deployment.address, missing],
    ['running', 'ready', PHOTO.address, []],
  );
  assert.equal(
    (await eventsOf(lab.deployments, deployment.id)).map(({ id, data }) => [id, 'stage' in data && data.stage]),
    [
      [1, 'beginning'],
      [2, 'ready'],
    ],
  );
  await lab.close();
});

deployments('the cheapest way that can be taken is, and when none can, each says why not', async () => {
  const none = { name: 'cached', offer: async () => ({ why: 'it is not here' }) } as const;
  const lab = await openDeploymentsLab([none, { name: 'overlay', offer: async () => null }]);
  await refused(lab.deployments.ask(request()), 'function-unknown', /photo.*cached: it is not here/);
  assert.equal(lab.deployments.list(), []);
  await refused(
    lab.deployments.ask(request({}, { requirements: [{ isa: 'aarch64' }] })),
    'requirements-unmet',
    /aarch64/,
  );
  await refused(
    lab.deployments.ask({ ...request(), want: { store: request().want['function' as never] } }),
    'store-unknown',
    /photo/,
  );
  await lab.close();
});

deployments('of many parts the next are told, and all to whoever asks for all', async () => {
  const many = Array.from({ length: 70 }, (_, at) => partOf(Uint8Array.of(at)));
  const waiting = ({ parts }: RungContext) => parts.get(many[69]!.digest).then(() => PHOTO);
  const lab = await openDeploymentsLab([rung('package', waiting, many)]);
  const { id } = (await lab.deployments.ask(request())).deployment;
  await turns(() => lab.deployments.wanted(id, 1).wanted[0] === many[69]!.digest);
  const order = [many[69]!, ...many.slice(0, 69)].map(({ digest }) => digest);
  assert.equal(lab.deployments.wanted(id), { wanted: order.slice(0, 64), missing: 70 });
  assert.equal(lab.deployments.wanted(id, MAX_PARTS), { wanted: order, missing: 70 });
  await lab.close();
});

deployments('parts come in the order that is wanted, are kept until they are used, and then go', async () => {
  const lab = await openDeploymentsLab([rung('package', reading, PARTS)]);
  const { deployment, missing } = await lab.deployments.ask(request());
  const { id } = deployment;
  assert.equal(missing, PARTS);
  await new Promise(setImmediate);
  assert.equal(lab.deployments.wanted(id), { wanted: [second.digest, first.digest], missing: 2 });
  const stranger = partOf(new Uint8Array(3));
  await refused(
    lab.deployments.part(id, stranger.digest, once(new Uint8Array(3)), NEVER),
    'not-found',
    /no use|needs none/,
  );
  await refused(lab.deployments.part(id, first.digest, once(SECOND), NEVER), 'body-too-large', /1000 bytes/);
  await refused(lab.deployments.part(id, first.digest, once(new Uint8Array(1000)), NEVER), 'body-truncated', /digest/);
  const put = (bytes: Uint8Array) => lab.deployments.part(id, partOf(bytes).digest, once(bytes), NEVER);
  assert.equal(await put(FIRST), { wanted: [second.digest], missing: 1 });
  assert.equal(await put(FIRST), { wanted: [second.digest], missing: 1 });
  assert.equal(await put(SECOND), { wanted: [], missing: 0 });
  const events = await eventsOf(lab.deployments, id);
  const states = events.flatMap(({ event, data }) => (event === 'state' ? [data] : []));
  assert.equal(
    states.map(({ stage }) => stage),
    ['receiving', 'receiving', 'starting', 'ready'],
  );
  assert.equal(
    states.slice(0, 2).map(({ bytesDone, bytesTotal }) => [bytesDone, bytesTotal]),
    [
      [0, 3000],
      [3000, 3000],
    ],
  );
  assert.equal(await put(FIRST), { wanted: [], missing: 0 }, 'late ones are taken for nothing');
  await lab.deployments.close();
  assert.is(lab.store.parts.totalBytes, 0);
  assert.equal(await readdir(join(lab.data.path, 'deployments/parts/incoming')), []);
  await lab.close();
});

deployments('a way that fails gives way to the next, unless that would fail as well', async () => {
  const failing = (code: ErrorCode) => rung('pulled', async () => Promise.reject(new CloudletError(code, 'it broke')));
  for (const [code, stage] of [
    ['network-unavailable', 'ready'],
    ['not-ready', 'ready'],
    ['component-refused', 'failed'],
    ['storage-full', 'failed'],
  ] as const) {
    const lab = await openDeploymentsLab([failing(code), rung('package', async () => PHOTO)]);
    const { deployment } = await lab.deployments.ask(request());
    const events = await eventsOf(lab.deployments, deployment.id);
    const falls = events.flatMap(({ event, data }) => (event === 'rung' ? [data] : []));
    const end = lab.deployments.get(deployment.id);
    assert.is(end.stage, stage, code);
    const problem = { code, detail: 'it broke' };
    if (stage === 'ready') assert.equal(falls, [{ from: 'pulled', rung: 'package', problem, bytesMissing: 0 }]);
    else assert.equal([falls, end.problem], [[], problem]);
    assert.is(events.filter((each) => each.event === 'state' && isEnded(each.data)).length, 1);
    await lab.close();
  }
});

deployments('two at once of the same do the work once, and both see all of it', async () => {
  let times = 0;
  const go = Promise.withResolvers<void>();
  const lab = await openDeploymentsLab([
    rung('on-demand', async ({ report }) => {
      times += 1;
      report({ stage: 'installing', log: 'one\n' });
      await go.promise;
      report({ stage: 'starting', log: 'two\n' });
      return PHOTO;
    }),
  ]);
  const asked = await Promise.all([lab.deployments.ask(request()), lab.deployments.ask(request())]);
  const late = await lab.deployments.ask(request());
  assert.is(late.deployment.stage, 'installing');
  go.resolve();
  const ids = [...asked, late].map(({ deployment }) => deployment.id);
  assert.is(new Set(ids).size, 3);
  for (const id of ids) {
    const events = await eventsOf(lab.deployments, id);
    assert.ok(events.some((each) => each.event === 'log' && each.data.text.includes('two')));
    assert.is(lab.deployments.get(id).stage, 'ready');
  }
  assert.is(times, 1);
  await lab.close();
});

deployments('one that found parts here as another was made of them has them when it takes its way', async () => {
  const [ended, taken] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const found: boolean[] = [];
  const lab = await openDeploymentsLab([
    {
      name: 'package',
      offer: async (wish) => {
        const isOther = 'function' in wish.want && wish.want.function === 'other';
        const missing = PARTS.filter(({ digest }) => !lab.store.parts.has(digest));
        if (isOther) {
          found.push(missing.length === 0);
          await taken.promise;
        }
        return {
          missing,
          reads: PARTS,
          provision: async (context) => {
            const made = await reading(context);
            if (!isOther) await ended.promise;
            return made;
          },
        };
      },
    },
  ]);
  const { deployment } = await lab.deployments.ask(request());
  await lab.deployments.part(deployment.id, first.digest, once(FIRST), NEVER);
  await lab.deployments.part(deployment.id, second.digest, once(SECOND), NEVER);
  const asking = lab.deployments.ask(request({ function: 'other' }));
  await turns(() => found.length === 1);
  ended.resolve();
  assert.is((await endOf(lab.deployments, deployment.id)).stage, 'ready');
  taken.resolve();
  const other = await asking;
  assert.equal([found, other.missing], [[true], []]);
  assert.is((await endOf(lab.deployments, other.deployment.id)).stage, 'ready');
  await turns(() => [...lab.store.parts.digests()].length === 0);
  await lab.close();
});

deployments(
  'one that falls to another way has there what it found, though others are done with it meanwhile',
  async () => {
    const [ended, falling, looked] = [0, 1, 2].map(() => Promise.withResolvers<void>());
    const found: boolean[] = [];
    const isOther = ({ want }: Wish): boolean => 'function' in want && want.function === 'other';
    const isHere = (): boolean => PARTS.every(({ digest }) => lab.store.parts.has(digest));
    const lab = await openDeploymentsLab([
      {
        name: 'pulled',
        offer: async (wish) => {
          if (!isOther(wish)) return null;
          const provision = (): Promise<never> =>
            falling!.promise.then(() => Promise.reject(new CloudletError('network-unavailable', 'it broke')));
          return { missing: [], provision };
        },
      },
      {
        name: 'package',
        offer: async (wish) => {
          const missing = PARTS.filter(({ digest }) => !lab.store.parts.has(digest));
          if (isOther(wish)) {
            found.push(isHere());
            await looked!.promise;
            found.push(isHere());
          }
          const provision = async (context: RungContext): Promise<Provisioned> => {
            if (isOther(wish)) found.push(isHere());
            const made = await reading(context);
            if (!isOther(wish)) await ended!.promise;
            return made;
          };
          return { missing, reads: PARTS, provision };
        },
      },
    ]);
    const { deployment } = await lab.deployments.ask(request());
    await lab.deployments.part(deployment.id, first.digest, once(FIRST), NEVER);
    await lab.deployments.part(deployment.id, second.digest, once(SECOND), NEVER);
    const other = await lab.deployments.ask(request({ function: 'other' }));
    falling!.resolve();
    await turns(() => found.length === 1);
    ended!.resolve();
    assert.is((await endOf(lab.deployments, deployment.id)).stage, 'ready');
    looked!.resolve();
    assert.is((await endOf(lab.deployments, other.deployment.id)).stage, 'ready');
    assert.equal(found, [true, true, true]);
    await turns(() => [...lab.store.parts.digests()].length === 0);
    await lab.close();
  },
);

deployments('one that is cancelled ends, and its work when nobody else waits for it', async () => {
  let given = 0;
  const lab = await openDeploymentsLab([
    rung('package', ({ signal }) => {
      const { promise, reject } = Promise.withResolvers<typeof PHOTO>();
      signal.addEventListener('abort', () => {
        given += 1;
        reject(signal.reason);
      });
      return promise;
    }),
  ]);
  const [a, b] = await Promise.all([lab.deployments.ask(request()), lab.deployments.ask(request())]);
  assert.is((await lab.deployments.cancel(a.deployment.id)).problem?.code, 'client-closed');
  assert.is(given, 0);
  await lab.deployments.cancel(b.deployment.id);
  assert.is(given, 1);
  assert.is((await lab.deployments.cancel(b.deployment.id)).stage, 'failed', 'again it changes nothing');
  const again = await lab.deployments.ask(request());
  assert.is(lab.deployments.get(again.deployment.id).endedAt, null, 'who comes now begins anew');
  await lab.close();
  assert.is(given, 2);
});

deployments('who comes back with the number of an event gets those behind it, each once', async () => {
  let report: RungContext['report'] = () => {};
  const go = Promise.withResolvers<void>();
  const lab = await openDeploymentsLab([
    rung('on-demand', async (context) => {
      report = context.report;
      await go.promise;
      return PHOTO;
    }),
  ]);
  const { id } = (await lab.deployments.ask(request())).deployment;
  await new Promise(setImmediate);
  for (const stage of ['a', 'b', 'c']) report({ stage });
  const some: number[] = [];
  for await (const event of lab.deployments.events(id)) if (some.push(event.id) === 3) break;
  report({ stage: 'd', log: 'said\n' });
  go.resolve();
  const rest = await eventsOf(lab.deployments, id, some.at(-1)!);
  assert.equal([...some, ...rest.map((each) => each.id)], [1, 2, 3, 4, 5, 6, 7]);
  assert.equal(
    rest.map(({ event, data }) => ('stage' in data ? data.stage : event)),
    ['c', 'log', 'd', 'ready'],
  );
  assert.equal(await eventsOf(lab.deployments, id, 7), []);
  await lab.close();
});

deployments('who comes back with a number that there never was is told all, and the end', async () => {
  const go = Promise.withResolvers<void>();
  const lab = await openDeploymentsLab([
    rung('on-demand', async () => {
      await go.promise;
      return PHOTO;
    }),
  ]);
  const { id } = (await lab.deployments.ask(request())).deployment;
  const following = eventsOf(lab.deployments, id, 999_999_999_999_999);
  await new Promise(setImmediate);
  go.resolve();
  const ids = [1, 2];
  assert.equal(
    (await following).map((each) => each.id),
    ids,
  );
  assert.equal(
    (await eventsOf(lab.deployments, id, 3)).map((each) => each.id),
    ids,
    'also when it has ended',
  );
  await lab.close();
});

deployments('of much progress in a moment the last is told, with an estimate from the rate', async () => {
  let report: RungContext['report'] = () => {};
  const go = Promise.withResolvers<void>();
  const lab = await openDeploymentsLab([
    rung('on-demand', async (context) => {
      report = context.report;
      await go.promise;
      return PHOTO;
    }),
  ]);
  const { id } = (await lab.deployments.ask(request())).deployment;
  await new Promise(setImmediate);
  for (let done = 0; done <= 100; done += 1) {
    report({ stage: 'applying', bytesDone: done, bytesTotal: 400 });
    lab.clock.advance(10);
  }
  go.resolve();
  const states = (await eventsOf(lab.deployments, id)).flatMap(({ event, data }) => (event === 'state' ? [data] : []));
  assert.equal(
    states.map(({ bytesDone }) => bytesDone),
    [0, 0, 20, 40, 60, 80, 100, 400],
  );
  assert.is(states.at(-2)!.estimateS, 3);
  await lab.close();
});

deployments(
  'after the host was killed each is failed or complete, its events go on, and its parts are here',
  async () => {
    const never = () => new Promise<never>(() => {});
    const stuck = async ({ parts, report }: RungContext) => {
      report({ stage: 'receiving', digest: PHOTO.digest });
      await parts.get(second.digest);
      return never();
    };
    const rungs = [rung('package', stuck, PARTS)];
    const lab = await openDeploymentsLab(rungs);
    const { id } = (await lab.deployments.ask(request())).deployment;
    await lab.deployments.part(id, first.digest, once(FIRST), NEVER);
    await lab.crash();
    const events = await eventsOf(lab.deployments, id);
    assert.equal(
      events.map(({ id }) => id),
      events.map((_, at) => at + 1),
    );
    assert.is((await endOf(lab.deployments, id)).problem?.code, 'interrupted');
    const again = await lab.deployments.ask(request());
    assert.equal(again.missing, [second], 'what was sent is not asked for again');
    // Within a stage news are told five times a second.
    lab.clock.advance(1000);
    await lab.crash({ isComplete: ({ digest }) => (digest === PHOTO.digest ? PHOTO.address : null) });
    const end = await endOf(lab.deployments, again.deployment.id);
    assert.equal([end.stage, end.address], ['ready', PHOTO.address]);
    await lab.close();
  },
);

deployments('a device that falls silent while a part is missing ends its deployment', async () => {
  const lab = await openDeploymentsLab([rung('package', reading, PARTS)]);
  const { id } = (await lab.deployments.ask(request())).deployment;
  await new Promise(setImmediate);
  lab.clock.advance(299_000);
  await lab.deployments.part(id, first.digest, once(FIRST), NEVER);
  lab.clock.advance(299_000);
  assert.is(lab.deployments.get(id).endedAt, null);
  lab.clock.advance(2000);
  assert.is((await endOf(lab.deployments, id)).problem?.code, 'request-timeout');
  await lab.close();
});

deployments('the same part sent again and again does not keep a deployment alive', async () => {
  const lab = await openDeploymentsLab([rung('package', reading, PARTS)]);
  const { id } = (await lab.deployments.ask(request())).deployment;
  for (let count = 0; count < 3; count += 1) {
    await lab.deployments.part(id, first.digest, once(FIRST), NEVER);
    await new Promise(setImmediate);
    lab.clock.advance(200_000);
  }
  assert.is((await endOf(lab.deployments, id)).problem?.code, 'request-timeout');
  await lab.close();
});

/** What an act does that never ends, and how often, in seconds. */
const ENDLESS = [
  ['says nothing', 60, () => ({ stage: 'installing' }), /any progress within 15 minutes.*"installing"/],
  ['says the same', 60, () => ({ stage: 'receiving', bytesDone: 7, bytesTotal: 9 }), /any progress/],
  [
    'comes further for ever',
    600,
    (at: number) => ({ stage: 'receiving', bytesDone: at }),
    /its end within 360 minutes/,
  ],
  ['writes a log for ever', 600, () => ({ stage: 'script', log: 'y\n' }), /its end within 360 minutes/],
] as const;

for (const [what, everyS, progress, sentence] of ENDLESS)
  deployments(`an act that ${what} ends with its reason, even when it heeds no signal`, async () => {
    let report: RungContext['report'] = () => {};
    const hung = Promise.withResolvers<never>();
    const stuck = (context: RungContext) => {
      report = context.report;
      return hung.promise;
    };
    const lab = await openDeploymentsLab([rung('on-demand', stuck)]);
    const { id } = (await lab.deployments.ask(request())).deployment;
    for (let at = 1; lab.deployments.get(id).endedAt === null; at += 1) {
      report(progress(at));
      lab.clock.advance(everyS * 1000);
      await new Promise(setImmediate);
      assert.ok(at * everyS <= 24_000, 'it goes on');
    }
    const { problem } = await endOf(lab.deployments, id);
    assert.is(problem?.code, 'deadline-exceeded');
    assert.match(problem!.detail, sentence);
    hung.reject(new Error('nobody hears it'));
    await lab.close();
  });

deployments('waiting for the turn of another is no stall, but what comes after it may be', async () => {
  let report: RungContext['report'] = () => {};
  const hung = Promise.withResolvers<never>();
  const stuck = (context: RungContext) => {
    report = context.report;
    return hung.promise;
  };
  const lab = await openDeploymentsLab([rung('on-demand', stuck)]);
  const { id } = (await lab.deployments.ask(request())).deployment;
  await new Promise(setImmediate);
  report({ stage: 'waiting' });
  lab.clock.advance(3_600_000);
  await new Promise(setImmediate);
  assert.equal([lab.deployments.get(id).stage, lab.deployments.get(id).endedAt], ['waiting', null]);
  report({ stage: 'installing' });
  lab.clock.advance(899_000);
  assert.is(lab.deployments.get(id).endedAt, null);
  lab.clock.advance(2000);
  assert.match((await endOf(lab.deployments, id)).problem!.detail, /any progress within 15 minutes.*"installing"/);
  hung.reject(new Error('nobody hears it'));
  await lab.close();
});

deployments('a publish that stalls ends, too', async () => {
  const publish: DeploymentsOptions['publish'] = (_, __, { signal }) =>
    new Promise((_, reject) => signal!.addEventListener('abort', () => reject(signal!.reason)));
  const lab = await openDeploymentsLab([], { publish, patience: { silentMs: 1000 } });
  const published = lab.deployments.publish('photo' as FunctionName, once(FIRST));
  lab.clock.advance(1000);
  await refused(published, 'deadline-exceeded', /any progress/);
  await lab.close();
});

deployments('of many at once as many go on as may, also when their ways take time to find', async () => {
  const hung = Promise.withResolvers<never>();
  const offer = async () => {
    await new Promise(setImmediate);
    return { missing: [], provision: ({ signal }: RungContext) => Promise.race([hung.promise, aborted(signal)]) };
  };
  const lab = await openDeploymentsLab([{ name: 'package', offer }]);
  const flood = async (user: string) => {
    const asked = Array.from({ length: 200 }, (_, at) =>
      lab.deployments.ask(request({ function: `photo-${user}-${at}` }), user),
    );
    const outcomes = await Promise.allSettled(asked);
    const codes = outcomes.map((each) => (each.status === 'fulfilled' ? 'ok' : (each.reason as CloudletError).code));
    assert.equal(new Set(codes), new Set(['ok', 'at-capacity']));
    return codes.filter((code) => code === 'ok').length;
  };
  assert.equal([await flood('ann'), await flood('bob'), await flood('cid')], [32, 16, 8]);
  const [last] = lab.deployments.list().filter(({ name }) => name.startsWith('photo-ann'));
  await refused(lab.deployments.ask(request(), 'ann'), 'at-capacity', /left for others \(8\).*beside 32/);
  await lab.deployments.cancel(last!.id);
  await lab.deployments.ask(request({ function: 'late' }), 'dan');
  await lab.close();
});

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
}

deployments('a script that writes for ever fills no disk', async () => {
  const flood = async ({ report }: RungContext) => {
    for (let line = 0; line < 400; line += 1) {
      report({ stage: 'script', log: 'y'.repeat(20_000) });
      lab.clock.advance(200);
    }
    return PHOTO;
  };
  const lab = await openDeploymentsLab([rung('on-demand', flood)]);
  const { id } = (await lab.deployments.ask(request())).deployment;
  const events = await eventsOf(lab.deployments, id);
  const characters = JSON.stringify(events).length;
  assert.ok(characters < 2.5 * 2 ** 20, `${characters}`);
  assert.is(events.at(-1)?.id, events[0]!.id + events.length - 1, 'of the oldest');
  assert.is((await endOf(lab.deployments, id)).stage, 'ready');
  await lab.close();
});

deployments('what cannot be written down, the disk being full, is told when it can', async () => {
  const go = Promise.withResolvers<void>();
  const act = async ({ report }: RungContext) => {
    await go.promise;
    report({ stage: 'starting' });
    return PHOTO;
  };
  const warnings: unknown[] = [];
  const lab = await openDeploymentsLab([rung('cached', act)], { failed: (error) => warnings.push(error) });
  const { id } = (await lab.deployments.ask(request())).deployment;
  const { history } = lab.store;
  const full = () => {
    throw new CloudletError('storage-full', 'no room');
  };
  const { tell, begin } = history;
  Object.assign(history, { tell: full });
  const told = eventsOf(lab.deployments, id);
  go.resolve();
  await new Promise(setImmediate);
  lab.clock.advance(5000);
  assert.ok(warnings.length >= 2);
  Object.assign(history, { tell, begin: full });
  await refused(lab.deployments.ask(request({ function: 'other' })), 'storage-full', /no room/);
  lab.clock.advance(5000);
  Object.assign(history, { begin });
  await told;
  assert.is((await endOf(lab.deployments, id)).stage, 'ready');
  await lab.close();
});

deployments('a cloudlet that closes ends all of them, and says so', async () => {
  const lab = await openDeploymentsLab([rung('package', reading, PARTS)]);
  const { id } = (await lab.deployments.ask(request())).deployment;
  await lab.deployments.close();
  assert.is(lab.deployments.get(id).problem?.code, 'interrupted');
  await refused(lab.deployments.ask(request()), 'draining', /shutting down/);
  await lab.close();
});

deployments('those that ended longest ago are forgotten', async () => {
  const lab = await openDeploymentsLab([rung('running', async () => PHOTO)]);
  const { id } = (await lab.deployments.ask(request())).deployment;
  for (let count = 0; count < 200; count += 1) await lab.deployments.ask(request());
  assert.throws(() => lab.deployments.get(id), /old ones are forgotten/);
  assert.is(lab.deployments.list().length, 200);
  await lab.close();
});

deployments.run();
