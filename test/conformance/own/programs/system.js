// Everything of wasi:cli, wasi:clocks, wasi:random and wasi:io that needs no files.
import environmentModule from 'wasi:cli/environment@0.2.12';
import stderrModule from 'wasi:cli/stderr@0.2.12';
import stdinModule from 'wasi:cli/stdin@0.2.12';
import stdoutModule from 'wasi:cli/stdout@0.2.12';
import terminalStderrModule from 'wasi:cli/terminal-stderr@0.2.12';
import terminalStdinModule from 'wasi:cli/terminal-stdin@0.2.12';
import terminalStdoutModule from 'wasi:cli/terminal-stdout@0.2.12';
import monotonicModule from 'wasi:clocks/monotonic-clock@0.2.12';
import wallModule from 'wasi:clocks/wall-clock@0.2.12';
import pollModule from 'wasi:io/poll@0.2.12';
import streamsModule from 'wasi:io/streams@0.2.12';
import insecureModule from 'wasi:random/insecure@0.2.12';
import seedModule from 'wasi:random/insecure-seed@0.2.12';
import randomModule from 'wasi:random/random@0.2.12';
import { equal, fails, ok, report, text, utf8, watched } from './check.js';

const environment = watched('wasi:cli/environment', environmentModule);
const { getStdin } = watched('wasi:cli/stdin', stdinModule);
const { getStdout } = watched('wasi:cli/stdout', stdoutModule);
const { getStderr } = watched('wasi:cli/stderr', stderrModule);
const { getTerminalStdin } = watched('wasi:cli/terminal-stdin', terminalStdinModule);
const { getTerminalStdout } = watched('wasi:cli/terminal-stdout', terminalStdoutModule);
const { getTerminalStderr } = watched('wasi:cli/terminal-stderr', terminalStderrModule);
const monotonic = watched('wasi:clocks/monotonic-clock', monotonicModule);
const wall = watched('wasi:clocks/wall-clock', wallModule);
const { poll } = watched('wasi:io/poll', pollModule);
watched('wasi:io/streams', streamsModule);
const insecure = watched('wasi:random/insecure', insecureModule);
const { insecureSeed } = watched('wasi:random/insecure-seed', seedModule);
const random = watched('wasi:random/random', randomModule);

const MILLISECOND = 1_000_000;

/** Two calls give two values. */
const differ = (fn) => {
  const [first, second] = [fn(), fn()];
  ok(first !== second, `two values of ${fn}`);
};

const parts = {
  environment() {
    equal(environment.getArguments().slice(1), ['one', 'two words'], 'arguments');
    equal(Object.fromEntries(environment.getEnvironment()), { NAME: 'value', EMPTY: '' }, 'environment');
    equal(environment.initialCwd() ?? null, null, 'no working directory');
  },
  terminals() {
    for (const get of [getTerminalStdin, getTerminalStdout, getTerminalStderr])
      equal(get() ?? null, null, 'no terminal');
  },
  clocks() {
    const before = monotonic.now();
    ok(monotonic.resolution() > 0, 'a resolution');
    monotonic.subscribeDuration(2 * MILLISECOND).block();
    ok(monotonic.now() - before >= 2 * MILLISECOND, 'a wait is not shorter');
    const past = monotonic.subscribeInstant(0);
    ok(past.ready(), 'the past is ready');
    const { seconds, nanoseconds } = wall.now();
    ok(seconds > 1_700_000_000 && nanoseconds < 1e9, 'the time of day');
    ok(wall.resolution().nanoseconds > 0, 'its resolution');
  },
  polls() {
    const [soon, never] = [monotonic.subscribeDuration(MILLISECOND), monotonic.subscribeDuration(10 ** 15)];
    equal([...poll([never, soon])], [1], 'what is ready');
    ok(!never.ready(), 'what is not');
    const now = monotonic.subscribeDuration(0);
    equal([...poll([now, soon, never])], [0, 1], 'all that are ready');
  },
  randomness() {
    for (const bytes of [random.getRandomBytes(32), insecure.getInsecureRandomBytes(32)]) {
      equal(bytes.length, 32, 'as many as asked for');
      ok(new Set(bytes).size > 8, 'of many values');
    }
    equal(random.getRandomBytes(0).length, 0, 'none');
    differ(() => random.getRandomU64());
    differ(() => insecure.getInsecureRandomU64());
    differ(() => insecureSeed()[0]);
  },
  input() {
    const stdin = getStdin();
    const pollable = stdin.subscribe();
    pollable.block();
    equal(text(stdin.blockingRead(2)), 'ty', 'the first bytes');
    equal(stdin.skip(1), 1, 'skipped');
    equal(stdin.blockingSkip(1), 1, 'skipped, waiting');
    equal(text(stdin.read(100)), 'd in', 'the rest');
    fails('closed', () => stdin.blockingRead(1));
    fails('closed', () => stdin.read(1));
    fails('closed', () => stdin.skip(1));
    fails('closed', () => stdin.blockingSkip(1));
  },
  output() {
    const stderr = getStderr();
    const room = stderr.checkWrite();
    ok(room > 0, 'room to write');
    stderr.write(utf8('words\n'));
    stderr.flush();
    stderr.blockingFlush();
    stderr.subscribe().block();
    stderr.blockingWriteAndFlush(utf8('more words\n'));
    ok(stderr.checkWrite() > 3, 'room again');
    stderr.writeZeroes(3);
    stderr.blockingWriteZeroesAndFlush(3);
  },
};

export const run = {
  run() {
    if (!report(parts, { getStdout, getStderr })) throw new Error('a part failed');
  },
};
