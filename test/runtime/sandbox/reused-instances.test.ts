// end to end
/**
 * Components of WASI 0.3 in sandboxes that are processes: their instances serve many invocations, some at once.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type CloudletError, readBindingValue, writeBindingValue } from '../../../guest-sdk/protocol/index.ts';
import type { ReuseLimits } from '../../../runtime/agent/wire.ts';
import type { CallOptions } from '../../../runtime/sandbox/call-options.ts';
import type { CallInput } from '../../../runtime/sandbox/channel/call.ts';
import { DEFAULT_REUSE, type Sandbox, startSandbox } from '../../../runtime/sandbox/index.ts';
import { artifactOf, finish, LogCollector, startTestProcess, TEST_GRANT } from '../../support/sandbox-lab.ts';

const test = suite('reused instances in a process');

interface Opened {
  readonly sandbox: Sandbox;
  readonly log: LogCollector;
  call(target: string, ...args: unknown[]): Promise<unknown>;
  http(path: string, body?: CallInput, given?: Partial<CallOptions>): ReturnType<Sandbox['invoke']>;
  get(
    path: string,
    body?: CallInput,
    deadlineMs?: number,
  ): Promise<{ readonly status: number | undefined; readonly text: string }>;
  run(args: readonly string[], input?: string): Promise<{ readonly status: number; readonly text: string }>;
}

/** A component in a sandbox of one worker. */
async function open(name: string, reuse: Partial<ReuseLimits> = {}, deadlineMs = 10_000): Promise<Opened> {
  const sandbox = await startSandbox({ kind: 'process', startMachine: () => startTestProcess(1) });
  const content = { program: name, artifact: await artifactOf(name), grant: TEST_GRANT };
  await sandbox.load({ ...content, reuse: { ...DEFAULT_REUSE, ...reuse } });
  const log = new LogCollector();
  const options = { deadlineMs, log: log.take };
  const http = (path: string, body: CallInput = new Uint8Array(0), given: Partial<CallOptions> = {}) =>
    sandbox.invoke(
      { door: 'http', method: 'POST', scheme: 'http', authority: 'a', path, headers: [['x-a', Buffer.from('b')]] },
      body,
      { ...options, ...given },
    );
  return {
    ...{ sandbox, log, http },
    async call(target, ...args) {
      const { output } = await finish(sandbox.invoke({ door: 'call', target }, writeBindingValue(args), options));
      return readBindingValue(output);
    },
    async get(path, body, limitMs = deadlineMs) {
      const { head, text } = await finish(http(path, body, { deadlineMs: limitMs }));
      return { status: head?.status, text };
    },
    async run(args, input = '') {
      const { text, end } = await finish(sandbox.invoke({ door: 'run', arguments: args }, Buffer.from(input), options));
      return { status: end.exitCode, text };
    },
  };
}

const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'none',
    (error: CloudletError) => error.code,
  );

/** A body that is sent until `end`. */
function held(text: string) {
  const { promise, resolve: end } = Promise.withResolvers<void>();
  return {
    end,
    body: (async function* () {
      yield Buffer.from(text);
      await promise;
    })(),
  };
}

/** An echo that has begun to answer, and goes on until it is ended. */
async function holding({ http }: Opened, given: Partial<CallOptions> = {}) {
  const { body, end } = held('echo');
  const call = http('/echo', body, given);
  const done = finish(call).then(({ text }) => text);
  done.catch(() => {});
  assert.is((await call.began)?.status, 200);
  return { call, done, end };
}

test('typed functions, asynchronous and not, give values and errors', async () => {
  const { sandbox, call } = await open('typed-p3');
  assert.is(await call('greet', 'you'), 'hello, you!');
  assert.is(await call('add', 2, -3), -1);
  assert.equal(await call('shift', [{ x: 1, label: 'a' }, { x: 2 }], 3), {
    tag: 'ok',
    val: [
      { x: 4, label: 'a' },
      { x: 5, label: undefined },
    ],
  });
  assert.equal(await call('shift', [], 0), { tag: 'err', val: 'by nothing' });
  assert.equal(await call('fail', 'why'), { tag: 'err', val: 'why' });
  assert.equal(await call('echo', Uint8Array.of(1, 2, 3)), Uint8Array.of(1, 2, 3));
  assert.is(await codeOf(call('none')), 'export-unknown');
  await sandbox.close();
});

test('a body goes through a guest byte for byte, whatever its pieces are', async () => {
  const { sandbox, http } = await open('http-p3');
  const sent = Buffer.from(Uint8Array.from({ length: 200_003 }, (_, at) => (at * 31 + (at >> 8)) & 255));
  const pieces = async function* () {
    for (let at = 0, size = 1; at < sent.length; at += size, size = (size * 7 + 3) % 70_001)
      yield sent.subarray(at, at + size);
  };
  const all = await Promise.all([finish(http('/echo', pieces())), finish(http('/echo', sent))]);
  for (const { output } of all) assert.ok(sent.equals(output), `${output.length} of ${sent.length} bytes`);
  await sandbox.close();
});

test('an instance serves its number of invocations, and the next has another', async () => {
  const { sandbox, call } = await open('typed-p3');
  const counts: unknown[] = [];
  for (let times = 0; times < 129; times += 1) counts.push(await call('count'));
  assert.equal([counts[0], counts[127], counts[128]], [1, 128, 1]);
  await sandbox.close();
});

test('the numbers can be set', async () => {
  const { sandbox, call } = await open('typed-p3', { invocations: 2 });
  assert.is(sandbox.allow(4), 16);
  assert.equal([await call('count'), await call('count'), await call('count')], [1, 2, 1]);
  await sandbox.close();
  const grant = { program: 'p', artifact: await artifactOf('typed-p3'), grant: TEST_GRANT };
  const other = await startSandbox({ kind: 'process', startMachine: () => startTestProcess(1) });
  const reason = await other.load({ ...grant, reuse: { ...DEFAULT_REUSE, atOnce: 0 } }).catch((error: Error) => error);
  assert.match((reason as Error).message, /expected reuse\.atOnce to be a whole number from 1 to 1024, got 0/);
  await other.close();
});

for (const [what, target, code] of [
  ['traps', 'throws', 'guest-trapped'],
  ['does not end', 'spin', 'deadline-exceeded'],
] as const) {
  test(`after an invocation that ${what} another instance serves`, async () => {
    const { sandbox, call } = await open('typed-p3', {}, 2000);
    assert.is(await call('count'), 1);
    assert.is(await codeOf(call(target)), code);
    assert.is(await call('count'), 1);
    assert.is(sandbox.state, 'ready');
    await sandbox.close();
  });
}

test('a service answers, with headers, trailers and errors', async () => {
  const { sandbox, http, get } = await open('http-p3');
  assert.equal(await get('/none'), { status: 404, text: 'nothing at /none' });
  assert.equal(await get('/headers'), { status: 200, text: 'x-a=b' });
  const { end, text } = await finish(http('/trailers'));
  assert.is(text, 'body');
  assert.equal(
    end.trailers?.map(([name, value]) => [name, Buffer.from(value).toString()]),
    [['x-sum', '4']],
  );
  for (const path of ['/short', '/error']) assert.is(await codeOf(get(path)), 'guest-response-invalid');
  assert.is(await codeOf(get('/trap')), 'guest-trapped');
  await sandbox.close();
});

test('a service streams both ways, larger than any window', async () => {
  const { sandbox, get } = await open('http-p3');
  const body = 'x'.repeat(2 * 1024 * 1024);
  assert.is((await get('/echo', Buffer.from(body))).text, body);
  await sandbox.close();
});

test('one instance serves several at once', async () => {
  const opened = await open('http-p3');
  const streams = await Promise.all(Array.from({ length: 15 }, () => holding(opened)));
  // The sixteenth, beside fifteen that go on.
  assert.equal(await opened.get('/count'), { status: 200, text: '16' });
  for (const { end } of streams) end();
  assert.equal(await Promise.all(streams.map(({ done }) => done)), Array(15).fill('echo'));
  await opened.sandbox.close();
});

test('a caller who leaves takes nobody along, and the instance serves nobody new', async () => {
  const opened = await open('http-p3');
  const controller = new AbortController();
  const [leaving, staying] = [await holding(opened, { signal: controller.signal }), await holding(opened)];
  controller.abort();
  assert.is(await codeOf(leaving.done), 'client-closed');
  await leaving.call.confirmed;
  leaving.end();
  assert.equal(await opened.get('/count'), { status: 200, text: '1' });
  staying.end();
  assert.is(await staying.done, 'echo');
  await opened.sandbox.close();
});

test('an invocation that traps, or has to be ended in the middle, ends those in its instance', async () => {
  for (const path of ['/trap', '/spin']) {
    const opened = await open('http-p3');
    const neighbour = await holding(opened);
    assert.is(
      await codeOf(opened.get(path, undefined, 1000)),
      path === '/trap' ? 'guest-trapped' : 'deadline-exceeded',
    );
    neighbour.end();
    assert.is(await codeOf(neighbour.done), 'guest-trapped');
    assert.equal(await opened.get('/count'), { status: 200, text: '1' });
    assert.is(opened.sandbox.state, 'ready');
    await opened.sandbox.close();
  }
});

test('a command has an instance of its own, its streams and its status', async () => {
  const { sandbox, run, log } = await open('run-p3');
  assert.equal(await run(['runs']), { status: 0, text: '1' });
  assert.equal(await run(['runs']), { status: 0, text: '1' });
  assert.equal(await run(['cat'], 'hello'), { status: 0, text: 'hello' });
  assert.equal(await run(['exit', '7']), { status: 7, text: '' });
  assert.equal(await run(['err']), { status: 1, text: '' });
  await run(['say', 'to', 'the', 'log']);
  assert.is(log.stderr, 'to the log\n');
  await sandbox.close();
});

test('another grant is for new instances', async () => {
  const { sandbox, call } = await open('typed-p3');
  assert.is(await call('count'), 1);
  sandbox.grant({ environment: { A: 'b' }, arguments: [], configuration: {} });
  assert.is(await call('count'), 1);
  await sandbox.close();
});

test('a rehearsal leaves nothing to an invocation', async () => {
  const { sandbox, call, log } = await open('typed-p3');
  const rehearsal = { deadlineMs: 5000, log: log.take, rehearsal: true };
  await finish(sandbox.invoke({ door: 'call', target: 'count' }, writeBindingValue([]), rehearsal));
  assert.is(await call('count'), 1);
  await sandbox.close();
});

test.run();
