/**
 * What every kind of sandbox does, as one table of tests: the process and the microVM run the same agent and keep the same promises.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CloudletError, type LogLevel, readBindingValue, writeBindingValue } from '../../guest-sdk/protocol/index.ts';
import type { InvokeRequest } from '../../runtime/agent/wire.ts';
import type { Call, CallInput } from '../../runtime/sandbox/channel/call.ts';
import type { Sandbox } from '../../runtime/sandbox/index.ts';
import { finish, LogCollector, TEST_GRANT } from './sandbox-lab.ts';

/** How one kind of sandbox is tested. */
export interface Subject {
  readonly name: string;
  /** Starts a sandbox with a test guest loaded. */
  readonly open: (guest: string) => Promise<Sandbox>;
  /** Bytes that the test of streaming sends through. */
  readonly streamBytes: number;
}

const EMPTY = new Uint8Array(0);
const DEADLINE_MS = 20_000;

const run = (...args: string[]): InvokeRequest => ({ door: 'run', arguments: args });
const typed = (target: string): InvokeRequest => ({ door: 'call', target });
const http = (path: string, method = 'POST'): InvokeRequest => ({
  door: 'http',
  method,
  scheme: 'http',
  authority: 'cloudlet.test',
  path,
  headers: [['x-asked', Buffer.from('yes')]],
});

/** Queues the suite of a subject. */
export function sandboxBehaviour(subject: Subject): void {
  const behaviour = suite(`a ${subject.name} sandbox`);
  const opened = new Map<string, Promise<Sandbox>>();

  /** The sandbox of a guest, which the tests share: what one does must not harm the next. */
  const sandboxOf = (guest: string): Promise<Sandbox> => {
    const known = opened.get(guest);
    if (known !== undefined) return known;
    const opening = subject.open(guest);
    opened.set(guest, opening);
    return opening;
  };
  const invoke = async (
    guest: string,
    request: InvokeRequest,
    input: CallInput = EMPTY,
    options: { deadlineMs?: number; log?: LogCollector; signal?: AbortSignal } = {},
  ): Promise<Call> => {
    const sandbox = await sandboxOf(guest);
    const { deadlineMs = DEADLINE_MS, log = new LogCollector(), signal } = options;
    return sandbox.invoke(request, input, { deadlineMs, log: log.take, ...(signal === undefined ? {} : { signal }) });
  };
  const value = async (guest: string, target: string, args: unknown[], deadlineMs = DEADLINE_MS): Promise<unknown> =>
    readBindingValue(
      (await finish(await invoke(guest, typed(target), writeBindingValue(args), { deadlineMs }))).output,
    );
  const failureOf = async (call: Call): Promise<CloudletError> => {
    try {
      await finish(call);
    } catch (error) {
      assert.instance(error, CloudletError);
      return error as CloudletError;
    }
    throw new Error('expected the invocation to fail');
  };
  const stillServes = async (guest: string, target: string, args: unknown[], expected: unknown): Promise<void> => {
    assert.is((await sandboxOf(guest)).state, 'ready');
    assert.equal(await value(guest, target, args), expected);
  };

  behaviour.after(async () => {
    for (const sandbox of opened.values()) await (await sandbox).close();
  });

  behaviour('gives a command its input and takes its output', async () => {
    const { text, head, end } = await finish(await invoke('cat', run(), Buffer.from('one\ntwo\n')));
    assert.is(text, 'one\ntwo\n');
    assert.is(head, null);
    assert.is(end.exitCode, 0);
    assert.ok(end.runMs > 0);
  });

  behaviour('gives a command its arguments and the environment of its grant', async () => {
    assert.is((await finish(await invoke('cat', run('args', 'b c')))).text, 'args\nb c\n');
    assert.is((await finish(await invoke('cat', run('env')))).text, 'GREETING=good day\n');
  });

  behaviour('gives a command no file that was not granted', async () => {
    const log = new LogCollector();
    const { text, end } = await finish(await invoke('cat', run('file', '/etc/passwd'), EMPTY, { log }));
    assert.is(text, '');
    assert.is.not(end.exitCode, 0);
    assert.match(log.stderr, '/etc/passwd');
  });

  behaviour('tells a failing exit status as a result, not as a failure', async () => {
    assert.is.not((await finish(await invoke('cat', run('exit', '3')))).end.exitCode, 0);
  });

  behaviour('puts the standard error of a command into the log', async () => {
    const log = new LogCollector();
    const { text } = await finish(await invoke('cat', run('stderr', 'a word'), Buffer.from('x'), { log }));
    assert.is(log.stderr, 'a word\n');
    assert.is(text, 'x');
  });

  behaviour('streams a long body through a guest', async () => {
    const chunk = Buffer.alloc(100_000, 'cloudlet ');
    const chunks = Math.ceil(subject.streamBytes / chunk.length);
    async function* input() {
      for (let sent = 0; sent < chunks; sent += 1) yield chunk;
    }
    let bytes = 0;
    const call = await invoke('cat', run(), input(), { deadlineMs: 120_000 });
    for await (const part of call.output) bytes += part.length;
    assert.is((await call.done).exitCode, 0);
    assert.is(bytes, chunks * chunk.length);
  });

  behaviour('answers over wasi:http with status, headers and body', async () => {
    const { head, text } = await finish(await invoke('hello-http', http('/', 'GET')));
    assert.is(head?.status, 200);
    assert.equal(
      head?.headers.map(([name, bytes]) => [name, Buffer.from(bytes).toString()]),
      [['content-type', 'text/plain']],
    );
    assert.is(text, 'hello\n');
  });

  behaviour('shows an http guest the request as it came', async () => {
    const { text } = await finish(await invoke('echo-http', http('/request?a=b', 'PUT'), Buffer.from('12345')));
    const facts = JSON.parse(text);
    assert.is(facts.method, 'PUT');
    assert.is(facts.path, '/request?a=b');
    assert.is(facts.authority, 'cloudlet.test');
    assert.is(facts.bytes, 5);
    assert.ok(facts.headers.some(([name, bytes]: [string, string]) => name === 'x-asked' && bytes === 'yes'));
  });

  behaviour('streams an http body in both directions at once', async () => {
    const firstByte = Promise.withResolvers<void>();
    async function* input() {
      await firstByte.promise;
      yield Buffer.from('after the answer began');
    }
    const call = await invoke('echo-http', http('/drip'), input());
    assert.is((await call.began)?.status, 200);
    let text = '';
    for await (const part of call.output) {
      text += Buffer.from(part).toString();
      firstByte.resolve();
    }
    assert.is(text, '!after the answer began');
    await call.done;
  });

  behaviour('refuses the answer of a handler that sets none', async () => {
    assert.is((await failureOf(await invoke('echo-http', http('/stall')))).code, 'guest-response-invalid');
  });

  behaviour('calls typed exports', async () => {
    assert.is(await value('typed', 'add', [2, 40]), 42);
    assert.match(String(await value('typed', 'greet', ['Ada'])), 'Ada');
    assert.equal(await value('typed', 'shapes.divide', [7, 2]), { tag: 'ok', val: 3 });
    assert.is(((await value('typed', 'shapes.divide', [7, 0])) as { tag: string }).tag, 'err');
    assert.is(await value('typed', 'shapes.u64-back', [2n ** 64n - 1n]), 2n ** 64n - 1n);
    assert.equal([...((await value('typed', 'echo', [Uint8Array.of(1, 2, 3)])) as Uint8Array)], [1, 2, 3]);
    assert.is(await value('typed', 'nothing', []), undefined);
  });

  behaviour('carries values that need more than one frame', async () => {
    const bytes = new Uint8Array(300_000).fill(7);
    assert.is(((await value('typed', 'echo', [bytes])) as Uint8Array).length, 300_000);
  });

  behaviour('bounds arguments and results', async () => {
    const arguments_ = writeBindingValue([new Uint8Array(1024 * 1024)]);
    assert.is((await failureOf(await invoke('typed', typed('echo'), arguments_))).code, 'argument-invalid');
    for (const target of ['amp', 'amp-strings']) {
      // Two gigabytes once they are copied out of a guest that holds a megabyte.
      const call = await invoke('evil', typed(target), writeBindingValue([2000, 1_000_000]));
      assert.is((await failureOf(call)).code, 'result-too-large', target);
    }
  });

  behaviour('names what a component does not offer', async () => {
    assert.is((await failureOf(await invoke('typed', typed('absent'), writeBindingValue([])))).code, 'export-unknown');
    assert.is((await failureOf(await invoke('typed', run()))).code, 'door-mismatch');
    assert.is((await failureOf(await invoke('typed', http('/')))).code, 'door-mismatch');
  });

  for (const [target, args] of [
    ['trap', []],
    ['recurse', [100_000_000]],
    ['bad-char', []],
    ['bad-utf8', []],
    ['out-of-bounds', []],
  ] as const) {
    behaviour(`tells ${target} as a trap and goes on serving`, async () => {
      const failure = await failureOf(await invoke('evil', typed(target), writeBindingValue(args)));
      assert.is(failure.code, 'guest-trapped');
      await stillServes('evil', 'count', [], 1);
    });
  }

  behaviour('names the function in which a guest trapped', async () => {
    const failure = await failureOf(await invoke('evil', typed('trap'), writeBindingValue([])));
    assert.match(failure.message, /unreachable \(in .*trap/);
  });

  behaviour('stops a guest that takes memory without end', async () => {
    const call = await invoke('evil', typed('bomb'), writeBindingValue([]));
    const outcome = await finish(call).then(
      ({ output }) => ({ mib: readBindingValue(output) as number, code: null }),
      (error: CloudletError) => ({ mib: 0, code: error.code }),
    );
    // Its allocator gives null, or its runtime traps; either way it got no more than its grant.
    assert.ok(outcome.code === 'guest-trapped' || (outcome.mib > 0 && outcome.mib <= 64), JSON.stringify(outcome));
    await stillServes('evil', 'count', [], 1);
  });

  behaviour('bounds what one invocation may log', async () => {
    const log = new LogCollector();
    await finish(await invoke('evil', typed('flood'), writeBindingValue([1000]), { log }));
    assert.ok(log.stderr.length > 60_000 && log.stderr.length < 70_000, String(log.stderr.length));
    assert.match(log.stderr, /958464 more bytes were written and dropped\n$/);
  });

  behaviour('gives a guest its configuration', async () => {
    assert.is(await value('notes', 'setting', ['api.url']), 'https://example.org/');
    assert.is(await value('notes', 'setting', ['empty']), '');
    assert.is(await value('notes', 'setting', ['__proto__']), undefined);
    assert.equal(await value('notes', 'settings', []), Object.entries(TEST_GRANT.configuration!));
  });

  behaviour('puts messages of wasi:logging into the log, with level and context', async () => {
    const log = new LogCollector();
    for (const level of ['trace', 'critical']) {
      const args = writeBindingValue([1, level, 'billing', 'a wörd']);
      await finish(await invoke('notes', typed('note'), args, { log }));
    }
    const message = (level: LogLevel) => ({ stream: 'stderr', text: 'a wörd', entry: { level, context: 'billing' } });
    assert.equal(log.messages, [message('trace'), message('critical')]);
  });

  behaviour('bounds messages of wasi:logging with what one invocation may log', async () => {
    const log = new LogCollector();
    const args = writeBindingValue([5000, 'info', '', '']);
    await finish(await invoke('notes', typed('note'), args, { log }));
    assert.is(log.messages.length, (64 * 1024) / 32 + 1);
    assert.is(log.messages.at(-1)!.text, `… ${(5000 - (64 * 1024) / 32) * 32} more bytes were written and dropped\n`);
  });

  behaviour('gives every invocation an instance of its own', async () => {
    for (let times = 0; times < 6; times += 1) {
      assert.is(await value('typed', 'count', []), 1);
      assert.is((await finish(await invoke('echo-http', http('/count')))).text, '1');
    }
  });

  for (const [what, guest, request] of [
    ['an export that loops', 'evil', typed('spin')],
    ['a start function that loops', 'spin-start', typed('run')],
    ['a command that loops', 'cat', run('spin')],
    ['an interpreter that loops', 'echo-http', http('/spin')],
  ] as const) {
    behaviour(`ends ${what} at its deadline`, async () => {
      const sandbox = await sandboxOf(guest);
      const begun = performance.now();
      const call = await invoke(guest, request, writeBindingValue([]), { deadlineMs: 500 });
      // How much later than that it comes is the computer's: that it comes at all is what a loop would prevent.
      assert.is((await failureOf(call)).code, 'deadline-exceeded');
      const tookMs = performance.now() - begun;
      assert.ok(tookMs >= 490, `took ${tookMs} ms`);
      await call.confirmed;
      assert.is(sandbox.running, 0);
      assert.is(sandbox.state, 'ready');
    });
  }

  behaviour('ends a guest that waits for its input at its deadline', async () => {
    async function* never(): AsyncGenerator<Uint8Array> {
      await new Promise(() => {});
      yield EMPTY;
    }
    const call = await invoke('cat', run(), never(), { deadlineMs: 300 });
    assert.is((await failureOf(call)).code, 'deadline-exceeded');
    await call.confirmed;
    assert.is((await finish(await invoke('cat', run(), Buffer.from('next')))).text, 'next');
  });

  behaviour('passes on what a guest has written while it still computes', async () => {
    const sandbox = await sandboxOf('late');
    const logged = Promise.withResolvers<string>();
    const log = ({ text }: { readonly text: string }) => logged.resolve(text);
    const caller = new AbortController();
    const request = typed('write-and-spin');
    const call = sandbox.invoke(request, writeBindingValue([]), { deadlineMs: 60_000, log, signal: caller.signal });
    assert.is(await logged.promise, 'after the end\n');
    caller.abort();
    await call.confirmed;
  });

  behaviour('serves on after a guest that catches its own end and writes to its log', async () => {
    const call = await invoke('late', typed('wait-and-write'), writeBindingValue([]), { deadlineMs: 100 });
    assert.is((await failureOf(call)).code, 'deadline-exceeded');
    await call.confirmed;
    // Asked of the same agent, so answered after all that the guest wrote.
    await (await sandboxOf('late')).ping();
    await stillServes('late', 'count', [], 1);
  });

  behaviour('answers three good calls while one loops', async () => {
    const looping = await invoke('evil', typed('spin'), writeBindingValue([]), { deadlineMs: 3000 });
    const failure = failureOf(looping);
    const answers = await Promise.all([
      value('evil', 'recurse', [10]),
      value('evil', 'recurse', [20]),
      value('evil', 'count', []),
    ]);
    assert.equal(answers, [10, 20, 1]);
    assert.is((await failure).code, 'deadline-exceeded');
  });

  behaviour('ends the guest when its reader leaves in the middle of the answer', async () => {
    const sandbox = await sandboxOf('cat');
    const call = await invoke('cat', run('flood'));
    for await (const _part of call.output) break;
    await call.confirmed;
    assert.is(sandbox.running, 0);
    assert.is((await failureOf(call)).code, 'client-closed');
    assert.is((await finish(await invoke('cat', run(), Buffer.from('next')))).text, 'next');
  });

  behaviour('ends the guest when its caller gives up', async () => {
    const caller = new AbortController();
    const call = await invoke('evil', typed('spin'), writeBindingValue([]), { signal: caller.signal });
    caller.abort();
    assert.is((await failureOf(call)).code, 'client-closed');
    await call.confirmed;
    await stillServes('evil', 'count', [], 1);
  });

  behaviour('passes on why an input failed', async () => {
    async function* failing(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('some');
      throw new CloudletError('body-too-large', 'expected a body of at most 4 bytes');
    }
    const call = await invoke('cat', run(), failing());
    assert.is((await failureOf(call)).code, 'body-too-large');
    await call.confirmed;
  });

  behaviour('answers a guest that ends without reading its input', async () => {
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (;;) yield new Uint8Array(10_000);
    }
    assert.is((await finish(await invoke('cat', run('args', 'x'), endless()))).text, 'args\nx\n');
  });

  behaviour('answers a ping while guests loop', async () => {
    const sandbox = await sandboxOf('evil');
    const calls = await Promise.all(
      Array.from({ length: 4 }, () => invoke('evil', typed('spin'), writeBindingValue([]), { deadlineMs: 1000 })),
    );
    await sandbox.ping();
    for (const call of calls) assert.is((await failureOf(call)).code, 'deadline-exceeded');
    await Promise.all(calls.map((call) => call.confirmed));
  });

  behaviour('fails what runs when its machine is killed, and is poisoned', async () => {
    const sandbox = await subject.open('cat');
    const call = sandbox.invoke(run('spin'), EMPTY, { deadlineMs: DEADLINE_MS, log: () => {} });
    process.kill(sandbox.pid, 'SIGKILL');
    assert.is((await failureOf(call)).code, 'machine-failed');
    await call.confirmed;
    assert.is.not((await sandbox.ended).reason, null);
    await sandbox.close();
    assert.is(sandbox.state, 'closed');
  });

  behaviour.run();
}
