// end to end
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  CloudletError,
  type Deployment,
  type ErrorCode,
  isEnded,
  type Published,
  parseName,
} from '../../guest-sdk/protocol/index.ts';
import type { CloudletEvent, Invocation } from '../../runtime/index.ts';
import { bodyOf, type CloudletLab, guestBytes, openLab, publishGuest } from '../support/cloudlet-lab.ts';

const cloudlets = suite('a cloudlet');
const JSON_BOTH = { argumentFormat: 'json', resultFormat: 'json' } as const;
const name = parseName;

let lab: CloudletLab;
const published: Published[] = [];
const warnings: string[] = [];
cloudlets.before(async () => {
  const options = {
    limits: { componentBytes: 4 * 1024 * 1024, bodyBytes: 300_000, valueBytes: 200_000 },
    observer: {
      published: (event: Published) => void published.push(event),
      warning: (sentence: string) => void warnings.push(sentence),
    },
  };
  lab = await openLab(options, { translatesAnew: true });
});
cloudlets.after(() => lab.close());

async function refused(work: Promise<unknown>, code: ErrorCode, sentence: RegExp): Promise<void> {
  const error = await work.then(
    () => assert.unreachable('expected a refusal'),
    (thrown: unknown) => thrown,
  );
  assert.instance(error, CloudletError);
  assert.is((error as CloudletError).code, code, (error as CloudletError).message);
  assert.match((error as CloudletError).message, sentence);
}

async function textOf(invocation: Invocation): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of invocation.output) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

async function blobsOnDisk(): Promise<string[]> {
  const entries = await readdir(join(lab.dataDir, 'blobs'), { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => entry.name);
}

const until = async <T>(items: AsyncIterable<T>, last: (item: T) => boolean): Promise<T[]> => {
  const seen: T[] = [];
  for await (const item of items) {
    seen.push(item);
    if (last(item)) break;
  }
  return seen;
};

cloudlets('a published command runs: stdin to stdout, exit status, stderr in the log', async () => {
  const progress: string[] = [];
  const bytes = await guestBytes('cat');
  const first = await lab.cloudlet.publish(name('cat'), bodyOf(bytes), {
    contentLength: bytes.length,
    onProgress: ({ stage }) => progress.at(-1) === stage || progress.push(stage),
  });
  assert.is(first.version, 1);
  assert.is(first.created, true);
  assert.is(first.address, '/v1/functions/cat');
  assert.equal(progress, ['receiving', 'inspecting', 'transpiling', 'registering']);
  assert.equal(published.at(-1), first);

  const invocation = await lab.cloudlet.invoke(
    name('cat'),
    { door: 'run', arguments: ['exit', '7'] },
    bodyOf('some input'),
  );
  assert.is(await textOf(invocation), 'some input');
  assert.is((await invocation.done).exitCode, 7);
  assert.is(invocation.version, 1);

  const wordy = await lab.cloudlet.invoke(name('cat'), { door: 'run', arguments: ['stderr', 'hello log'] }, bodyOf(''));
  await textOf(wordy);
  await wordy.done;
  const [line] = await until(lab.cloudlet.logs(name('cat'), { follow: true }), ({ text }) =>
    text.includes('hello log'),
  );
  assert.is(line!.stream, 'stderr');
  assert.is(line!.invocation, wordy.id);
  assert.is(line!.version, 1);
});

cloudlets('the same component again does nothing', async () => {
  const before = await lab.cloudlet.function(name('cat'));
  const again = await publishGuest(lab.cloudlet, 'cat');
  assert.is(again.created, false);
  assert.is(again.version, 1);
  assert.equal((await lab.cloudlet.function(name('cat'))).versions, before.versions);
});

cloudlets('a listing says how a function can be called', async () => {
  await publishGuest(lab.cloudlet, 'typed');
  const info = await lab.cloudlet.function(name('typed'));
  assert.equal(info.doors, ['call']);
  assert.is(info.exports.find((each) => each.name === 'add')!.signature, 'add: func(a: s32, b: s32) -> s32');
  assert.is(info.exports.find((each) => each.name === 'shapes.divide')!.result, 'result<s32, string>');
  assert.is(info.grant.limits.valueBytes, 200_000);
  assert.equal(
    (await lab.cloudlet.functions()).map((each) => each.name),
    ['cat', 'typed'],
  );
});

const item = {
  id: 7,
  'item-name': 'Öl',
  tags: ['a', ''],
  at: { x: 0.5, y: -1, label: null },
  color: 'green',
  perms: ['read', 'exec'],
};
for (const [target, args, result] of [
  ['add', [2, 40], 42],
  ['greet', ['Ada'], null],
  ['echo', ['AP8='], 'AP8='],
  ['nothing', [], null],
  ['count', [], 1],
  ['shapes.item-back', [item], item],
  ['test:typed/shapes@1.0.0.item-back', [item], item],
  ['shapes.shape-back', [{ tag: 'rect', val: [1, 2] }], { tag: 'rect', val: [1, 2] }],
  ['shapes.shape-back', [{ tag: 'nothing' }], { tag: 'nothing' }],
  ['shapes.option-back', [null], null],
  ['shapes.option-back', [4294967295], 4294967295],
  ['shapes.divide', [7, 2], { ok: 3 }],
  ['shapes.divide', [7, 0], undefined],
  ['shapes.swap', [[1, 'x']], ['x', 1]],
  ['shapes.u64-back', ['18446744073709551615'], '18446744073709551615'],
  ['shapes.s64-back', ['-9223372036854775808'], '-9223372036854775808'],
  ['shapes.u64-back', [9007199254740991], 9007199254740991],
  ['shapes.u64-back', ['9007199254740993'], '9007199254740993'],
  ['shapes.f64-back', ['NaN'], 'NaN'],
  ['shapes.f32-back', [0.1], Math.fround(0.1)],
  ['shapes.char-back', ['😀'], '😀'],
  ['shapes.sum', [[1, '9223372036854775800', 6]], '9223372036854775807'],
] as const) {
  cloudlets(`${target} of ${JSON.stringify(args).slice(0, 40)} answers`, async () => {
    const called = await lab.cloudlet.call(name('typed'), target, args, JSON_BOTH);
    if (target === 'greet') assert.match(String(called.value), /Ada/);
    else if (result === undefined) assert.match((called.value as { err: string }).err, /./);
    else assert.equal(called.value, result);
    assert.is(called.version, 1);
    assert.type(called.timing.runMs, 'number');
  });
}

cloudlets('MessagePack carries bytes and 64-bit integers as they are', async () => {
  const formats = { argumentFormat: 'msgpack', resultFormat: 'msgpack' } as const;
  const bytes = new Uint8Array(100_000).fill(9);
  assert.equal((await lab.cloudlet.call(name('typed'), 'echo', [bytes], formats)).value, bytes);
  assert.is(
    (await lab.cloudlet.call(name('typed'), 'shapes.u64-back', [2n ** 64n - 1n], formats)).value,
    2n ** 64n - 1n,
  );
  const mixed = { argumentFormat: 'msgpack', resultFormat: 'json' } as const;
  assert.is((await lab.cloudlet.call(name('typed'), 'echo', [Uint8Array.of(0, 255)], mixed)).value, 'AP8=');
});

for (const [target, args, code, sentence] of [
  ['add', [1, 'x'], 'argument-invalid', /^\$\[1\]: expected s32, got "x"$/],
  ['shapes.item-back', [{ ...item, at: { ...item.at, x: 'x' } }], 'argument-invalid', /^\$\[0\]\.at\.x: expected f64/],
  ['echo', ['A'.repeat(400_000)], 'argument-invalid', /at most 200000 bytes/],
  ['subtract', [], 'export-unknown', /expected one of the exports .*add.*got "subtract"/],
] as const) {
  cloudlets(`${target}: ${code} before a sandbox is asked`, async () => {
    const before = lab.cloudlet.recent().length;
    await refused(lab.cloudlet.call(name('typed'), target, args, JSON_BOTH), code, sentence);
    assert.is(lab.cloudlet.recent().length, before);
  });
}

cloudlets('the wrong door is refused by naming the right one', async () => {
  await refused(
    lab.cloudlet.call(name('cat'), 'main', [], JSON_BOTH),
    'door-mismatch',
    /"call", got one that offers "run"/,
  );
  await refused(
    lab.cloudlet.invoke(name('typed'), { door: 'run', arguments: [] }, bodyOf('')),
    'door-mismatch',
    /offers "call"; call its exports instead$/,
  );
  await refused(lab.cloudlet.call(name('nobody'), 'main', [], JSON_BOTH), 'function-unknown', /"nobody"/);
});

cloudlets('input beyond the limit ends the invocation', async () => {
  const work = async () =>
    textOf(await lab.cloudlet.invoke(name('cat'), { door: 'run', arguments: [] }, bodyOf(new Uint8Array(300_001))));
  await refused(work(), 'body-too-large', /at most 300000 bytes/);
});

for (const [what, idempotent, outcome] of [
  ['is run again when its caller said that it may be', true, 'ok'],
  ['fails when nobody did', false, 'machine-failed'],
] as const) {
  cloudlets(`a command whose sandbox is lost while it runs ${what}`, async () => {
    const input = Promise.withResolvers<void>();
    async function* body() {
      yield Buffer.from('one, ');
      await input.promise;
      yield Buffer.from('two');
    }
    const request = { door: 'run', arguments: ['count'] } as const;
    const running = lab.cloudlet.invoke(name('cat'), request, body(), { idempotent }).then(textOf);
    const outcomeOf = running.then(
      (text) => (text === '8\n' ? 'ok' : text),
      (error: CloudletError) => error.code,
    );
    const isRunning = () => lab.cloudlet.sandboxes().find((one) => one.function === 'cat' && one.running > 0);
    while (isRunning() === undefined) await new Promise((resolve) => setImmediate(resolve));
    process.kill(isRunning()!.pid!, 'SIGKILL');
    input.resolve();
    assert.is(await outcomeOf, outcome);
  });
}

cloudlets('says of no version that its snapshot is there where processes run functions', async () => {
  const kinds: string[] = [];
  const unsubscribe = lab.cloudlet.subscribe((event) => kinds.push(event.kind));
  await publishGuest(lab.cloudlet, 'cat', 'unprepared');
  assert.equal(published.at(-1)?.name, 'unprepared');
  await textOf(await lab.cloudlet.invoke(name('unprepared'), { door: 'run', arguments: [] }, bodyOf('x')));
  unsubscribe();
  assert.ok(kinds.includes('functions'));
  assert.not(kinds.includes('prepared'));
  await lab.cloudlet.remove(name('unprepared'));
});

cloudlets('what a hostile guest does becomes an error of the guest, in the log and the recent list', async () => {
  const events: CloudletEvent[] = [];
  const unsubscribe = lab.cloudlet.subscribe((event) => events.push(event));
  await publishGuest(lab.cloudlet, 'evil');
  for (const [target, args, code] of [
    ['trap', [], 'guest-trapped'],
    ['bad-char', [], 'guest-trapped'],
    ['amp', [2000, 100_000], 'result-too-large'],
  ] as const) {
    await refused(lab.cloudlet.call(name('evil'), target, args, JSON_BOTH), code, /./);
    const [latest] = lab.cloudlet.recent();
    assert.is(latest!.outcome, code);
    assert.is(latest!.target, target);
    await until(
      lab.cloudlet.logs(name('evil'), { follow: true }),
      ({ stream, text }) => stream === 'host' && text.startsWith(code),
    );
  }
  await refused(
    lab.cloudlet.call(name('evil'), 'spin', [], { ...JSON_BOTH, deadlineMs: 300 }),
    'deadline-exceeded',
    /300 ms/,
  );
  assert.is((await lab.cloudlet.call(name('evil'), 'count', [], JSON_BOTH)).value, 1);
  unsubscribe();
  const outcomes = events.flatMap((event) => (event.kind === 'invocation' ? event.invocation.outcome : []));
  assert.is(outcomes.filter((outcome) => outcome === 'deadline-exceeded').length, 1);
  assert.ok(events.some(({ kind }) => kind === 'functions') && events.some(({ kind }) => kind === 'sandboxes'));
  const sandboxes = lab.cloudlet.sandboxes();
  assert.is(sandboxes.length, 1);
  assert.is(sandboxes[0]!.function, 'evil');
});

cloudlets('what cannot be published is refused with a sentence and leaves neither version nor blob', async () => {
  const before = await blobsOnDisk();
  const component = await guestBytes('cat');
  for (const [body, options, code] of [
    ['no WebAssembly at all', {}, 'component-refused'],
    [component.subarray(0, 5000), {}, 'component-refused'],
    [component, { contentLength: component.length + 1 }, 'body-truncated'],
    [new Uint8Array(4 * 1024 * 1024 + 1), {}, 'body-too-large'],
    [component, { signal: AbortSignal.abort() }, 'client-closed'],
  ] as const) {
    await refused(lab.cloudlet.publish(name('bad'), bodyOf(body), options), code, /./);
    await refused(lab.cloudlet.function(name('bad')), 'function-unknown', /"bad"/);
    assert.equal(await blobsOnDisk(), before);
  }
});

cloudlets('a WASI 0.1 core module is adapted', async () => {
  const { digest } = await publishGuest(lab.cloudlet, 'preview1');
  const info = await lab.cloudlet.function(name('preview1'));
  assert.equal(info.doors, ['run']);
  const stored = await lab.cloudlet.component(name('preview1'));
  assert.is(stored.digest, digest);
  const chunks: Uint8Array[] = [];
  for await (const chunk of stored.bytes) chunks.push(chunk);
  assert.equal(new Uint8Array(Buffer.concat(chunks)), new Uint8Array(await guestBytes('preview1')));
});

cloudlets('versions move on, roll back, and calls follow', async () => {
  await publishGuest(lab.cloudlet, 'cat', 'moving');
  const second = await publishGuest(lab.cloudlet, 'typed', 'moving');
  assert.is(second.version, 2);
  assert.is((await lab.cloudlet.call(name('moving'), 'add', [1, 1], JSON_BOTH)).version, 2);
  const back = await lab.cloudlet.rollback(name('moving'));
  assert.is(back.version, 1);
  assert.equal(back.doors, ['run']);
  await refused(lab.cloudlet.call(name('moving'), 'add', [1, 1], JSON_BOTH), 'door-mismatch', /"run"/);
  assert.is((await lab.cloudlet.rollback(name('moving'), 2)).version, 2);
  assert.is((await lab.cloudlet.component(name('moving'), 1)).version, 1);
  await refused(lab.cloudlet.rollback(name('moving'), 3), 'version-unknown', /\(1, 2\), got 3/);
});

cloudlets('a publish that is watched has exactly one end', async () => {
  const { deployments } = lab.cloudlet;
  const statesOf = async (id: string): Promise<Deployment[]> => {
    const events = await until(deployments.events(id), () => false);
    return events.flatMap(({ event, data }) => (event === 'state' ? [data] : []));
  };
  const good = await deployments.publish(name('deployed'), bodyOf(await guestBytes('hello-http')));
  const states = await statesOf(good.id);
  assert.is(states.at(-1)!.state, 'ready');
  assert.is(states.at(-1)!.published!.name, 'deployed');
  assert.is(states.filter(isEnded).length, 1);
  assert.equal(await statesOf(good.id), states, 'told again the same');
  assert.equal(deployments.get(good.id), states.at(-1));

  const bad = await deployments.publish(name('undeployed'), bodyOf('no WebAssembly'));
  const failed = (await statesOf(bad.id)).at(-1)!;
  assert.is(failed.state, 'failed');
  assert.is(failed.problem!.code, 'component-refused');
  await refused(deployments.publish(name('x'), bodyOf('xy'), { contentLength: 3 }), 'body-truncated', /3 bytes, got 2/);
  assert.throws(() => deployments.get('nope'), /id of a deployment/);
});

cloudlets('an http handler answers with head and body', async () => {
  const headers = [['accept', Buffer.from('*/*')]] as const;
  const request = {
    door: 'http',
    method: 'GET',
    scheme: 'http',
    authority: 'cloudlet.test',
    path: '/',
    headers,
  } as const;
  const invocation = await lab.cloudlet.invoke(name('deployed'), request, bodyOf(''));
  assert.is(invocation.head!.status, 200);
  assert.ok((await textOf(invocation)).length > 0);
  await invocation.done;
});

cloudlets('the status counts what is there', async () => {
  const status = await lab.cloudlet.status();
  assert.match(status.id, /^cl-[0-9a-f]{8}$/);
  assert.is(status.name, status.id);
  assert.is(status.sandbox, 'process');
  assert.is(status.accelerator.isolates, false);
  assert.is(status.functions, (await lab.cloudlet.functions()).length);
  assert.match(status.version, /^\d+\.\d+\.\d+$/);
});

cloudlets('removing a function ends its followers, frees its blob and its name', async () => {
  const { digest } = await lab.cloudlet.function(name('deployed'));
  const following = until(lab.cloudlet.logs(name('deployed'), { follow: true }), () => false);
  await lab.cloudlet.remove(name('deployed'));
  await following;
  assert.not((await blobsOnDisk()).includes(digest.slice('sha256:'.length)));
  await refused(lab.cloudlet.remove(name('deployed')), 'function-unknown', /"deployed"/);
  assert.is((await publishGuest(lab.cloudlet, 'cat', 'deployed')).version, 1);
});

cloudlets(
  'everything published is there and runs after reopening, also when the cache of artifacts is gone or damaged',
  async () => {
    const before = await lab.cloudlet.functions();
    const { id } = lab.cloudlet;
    const artifacts = join(lab.dataDir, '..', 'cache', 'artifacts');
    for (const folder of await readdir(artifacts)) await writeFile(join(artifacts, folder, 'glue.js'), 'export {}');
    const cloudlet = await lab.reopen();
    assert.is(cloudlet.id, id);
    const forgetState = (functions: typeof before) => functions.map(({ state: _, reason: __, ...rest }) => rest);
    assert.equal(forgetState(await cloudlet.functions()), forgetState(before));
    assert.is((await cloudlet.call(name('typed'), 'add', [20, 22], JSON_BOTH)).value, 42);
  },
);

cloudlets(
  'a corrupt blob whose artifact is gone fails the call with its reason, and publishing again heals it',
  async () => {
    const { digest } = await lab.cloudlet.function(name('typed'));
    const hex = digest.slice('sha256:'.length);
    await lab.reopen({ cacheDir: join(lab.dataDir, '..', 'other-cache') });
    await writeFile(join(lab.dataDir, 'blobs', 'sha256', hex.slice(0, 2), hex), 'rotten');
    await refused(
      lab.cloudlet.call(name('typed'), 'add', [1, 1], JSON_BOTH),
      'storage-corrupt',
      /publish the component again/,
    );
    // The bytes were moved aside: they are gone, and it is still not the caller who asked for what is not there.
    const again = /found none; publish "typed" again$/;
    await refused(lab.cloudlet.call(name('typed'), 'add', [1, 1], JSON_BOTH), 'storage-corrupt', again);
    await refused(lab.cloudlet.component(name('typed')), 'storage-corrupt', again);
    assert.is((await lab.cloudlet.function(name('typed'))).state, 'failed');
    await publishGuest(lab.cloudlet, 'typed');
    assert.is((await lab.cloudlet.call(name('typed'), 'add', [1, 1], JSON_BOTH)).value, 2);
  },
);

cloudlets('keeps what a function logs', async () => {
  await publishGuest(lab.cloudlet, 'notes', 'notes', { configuration: {} });
  for (const level of ['info', 'error']) {
    await lab.cloudlet.call(name('notes'), 'note', [1, level, 'billing', 'late'], JSON_BOTH);
  }
  const lines = await until(lab.cloudlet.logs(name('notes')), () => false);
  assert.equal(
    lines.map(({ stream, text, entry }) => [stream, text, entry]),
    ['info', 'error'].map((level) => ['stderr', 'late', { level, context: 'billing' }]),
  );
});

cloudlets('asks in each invocation whose guest asks what it may ask of the host', async () => {
  const asked: string[] = [];
  const own = await openLab({
    outside: ({ name: of, version, digest, grant }) => {
      asked.push(`${of} ${version} ${digest.slice(0, 7)} ${grant.limits.concurrency}`);
      return {};
    },
  });
  try {
    await publishGuest(own.cloudlet, 'typed');
    await publishGuest(own.cloudlet, 'stores', 'stores', {
      stores: { keyvalue: { bytes: 1024 }, blobs: { bytes: 1024 } },
    });
    await own.cloudlet.call(name('typed'), 'add', [1, 1], JSON_BOTH);
    for (let times = 0; times < 2; times += 1) await own.cloudlet.call(name('stores'), 'denied', [], JSON_BOTH);
    assert.equal(asked, Array(2).fill('stores 1 sha256: 4'));
  } finally {
    await own.close();
  }
});

cloudlets('a second cloudlet on the same data is refused, and after closing nothing is taken any more', async () => {
  await refused(openLab({ dataDir: lab.dataDir }), 'conflict', /in use by pid/);
  const { cloudlet } = lab;
  const abandoned = cloudlet.publish(name('late'), silent());
  const closing = cloudlet.close();
  await refused(abandoned, 'draining', /shutting down/);
  await closing;
  await refused(cloudlet.publish(name('later'), bodyOf('')), 'draining', /shutting down/);
  await refused(cloudlet.call(name('typed'), 'add', [1, 1], JSON_BOTH), 'draining', /shutting down/);
  await cloudlet.close();
});

cloudlets('opening that was given up leaves nothing open', async () => {
  await refused(lab.reopen({ signal: AbortSignal.abort() }), 'client-closed', /left/);
  const cloudlet = await lab.reopen();
  assert.is((await cloudlet.status()).functions > 0, true);
});

async function* silent(): AsyncGenerator<Uint8Array> {
  await new Promise(() => {});
  yield new Uint8Array(0);
}

cloudlets.run();
