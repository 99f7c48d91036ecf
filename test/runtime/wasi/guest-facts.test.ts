import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { datetimeOf } from '../../../runtime/wasi/clocks/datetime.ts';
import { createWasi, GuestExit, GuestTrap, memorySource, systemClock } from '../../../runtime/wasi/index.ts';
import { InputStream } from '../../../runtime/wasi/io/input-stream.ts';
import { backend, ManualClock, text, thrown, utf8 } from './backend.ts';

type Call = (...given: unknown[]) => unknown;
const facts = suite('cli, clocks, random, sockets');

function caller(given: Parameters<typeof backend>[0] = {}) {
  const { imports } = createWasi(backend(given));
  return (owner: string, name: string, ...parameters: unknown[]) => (imports[owner]![name] as Call)(...parameters);
}

for (const [owner, name, expected] of [
  ['wasi:cli/environment', 'getEnvironment', []],
  ['wasi:cli/environment', 'getArguments', []],
  ['wasi:cli/environment', 'initialCwd', undefined],
  ['wasi:cli/terminal-stdin', 'getTerminalStdin', undefined],
  ['wasi:cli/terminal-stdout', 'getTerminalStdout', undefined],
  ['wasi:cli/terminal-stderr', 'getTerminalStderr', undefined],
  ['wasi:filesystem/preopens', 'getDirectories', []],
  ['wasi:config/store', 'getAll', []],
] as const) {
  facts(`a guest that was given nothing gets ${JSON.stringify(expected)} from ${name}`, () => {
    assert.equal(caller()(owner, name), expected);
  });
}

facts('a key of the configuration has its value, and any other none', () => {
  const configuration = [
    ['url', 'https://example.org/'],
    ['empty', ''],
  ] as const;
  const call = caller({ configuration });
  assert.is(call('wasi:config/store', 'get', 'url'), 'https://example.org/');
  assert.is(call('wasi:config/store', 'get', 'empty'), '');
  for (const key of ['URL', '', '__proto__', 'toString']) assert.is(call('wasi:config/store', 'get', key), undefined);
  assert.equal(call('wasi:config/store', 'getAll'), configuration);
});

facts('a message of the log comes with its level and context', () => {
  const messages: unknown[] = [];
  const call = caller({ log: (...message) => void messages.push(message) });
  call('wasi:logging/logging', 'log', 'warn', 'billing', 'late');
  assert.equal(messages, [['warn', 'billing', 'late']]);
});

facts('standard input is at its end when none was given', () => {
  const stdin = caller()('wasi:cli/stdin', 'getStdin') as InputStream;
  assert.equal(
    thrown(() => stdin.read(1n)),
    { tag: 'closed' },
  );
});

facts('a second handle of standard input goes on where the first stopped, also after that was dropped', () => {
  const call = caller({ stdin: memorySource(utf8('abcdef')) });
  const first = call('wasi:cli/stdin', 'getStdin') as InputStream;
  assert.instance(first, InputStream);
  assert.is(text(first.read(3n)), 'abc');
  first[Symbol.dispose]();
  assert.is(text((call('wasi:cli/stdin', 'getStdin') as InputStream).read(9n)), 'def');
});

for (const [name, parameter, exitCode] of [
  ['exit', { tag: 'ok' }, 0],
  ['exit', { tag: 'err' }, 1],
  ['exitWithCode', 7, 7],
] as const) {
  facts(
    `${name}(${JSON.stringify(parameter)}) ends the guest with ${exitCode}, by an error that the glue lets through`,
    () => {
      const error = thrown(() => caller()('wasi:cli/exit', name, parameter)) as GuestExit;
      assert.instance(error, GuestExit);
      assert.is(error.exitCode, exitCode);
      assert.not.ok(Object.hasOwn(error, 'payload'));
    },
  );
}

for (const [ms, seconds, nanoseconds] of [
  [0, 0n, 0],
  [1500.25, 1n, 500_250_000],
  [-5, 0n, 0],
  [1999.9999999, 1n, 999_999_999],
] as const) {
  facts(`${ms} ms are ${seconds} s and ${nanoseconds} ns`, () => {
    assert.equal(datetimeOf(ms), { seconds, nanoseconds });
  });
}

facts('the clocks are the backend’s', () => {
  const clock = new ManualClock();
  clock.ns = 1_500_000_000n;
  const call = caller({ clock });
  assert.is(call('wasi:clocks/monotonic-clock', 'now'), 1_500_000_000n);
  assert.equal(call('wasi:clocks/wall-clock', 'now'), { seconds: 1n, nanoseconds: 500_000_000 });
});

facts('the system’s clock does not fire a timer of centuries at once, and fires a short one', async () => {
  let fired = false;
  const cancel = systemClock.timer(2n ** 63n, () => {
    fired = true;
  });
  await new Promise<void>((resolve) => systemClock.timer(1_000_000n, resolve));
  assert.not.ok(fired);
  cancel();
});

facts('random bytes are as many as asked, filled in pieces that generators take', () => {
  const pieces: number[] = [];
  const call = caller({
    random(bytes) {
      pieces.push(bytes.length);
      bytes.fill(pieces.length);
    },
  });
  const bytes = call('wasi:random/random', 'getRandomBytes', 150_000n) as Uint8Array;
  assert.is(bytes.length, 150_000);
  assert.equal(pieces, [65536, 65536, 18928]);
  assert.not.ok(bytes.includes(0));
  assert.is((call('wasi:random/random', 'getRandomBytes', 0n) as Uint8Array).length, 0);
});

for (const [owner, name] of [
  ['wasi:random/random', 'getRandomBytes'],
  ['wasi:random/insecure', 'getInsecureRandomBytes'],
] as const) {
  facts(`${name} of a huge length traps and allocates nothing`, () => {
    for (const length of [1024n * 1024n + 1n, 2n ** 64n - 1n]) {
      const call = caller({ random: () => assert.unreachable() });
      assert.instance(
        thrown(() => call(owner, name, length)),
        GuestTrap,
      );
    }
  });
}

facts('no random value is kept for the next call or instance', () => {
  const seen = new Set<unknown>();
  for (let instance = 0; instance < 3; instance++) {
    const call = caller();
    for (let round = 0; round < 3; round++) {
      for (const value of call('wasi:random/insecure-seed', 'insecureSeed') as bigint[]) seen.add(value);
      seen.add(call('wasi:random/random', 'getRandomU64')).add(call('wasi:random/insecure', 'getInsecureRandomU64'));
    }
  }
  assert.is(seen.size, 36);
});

for (const [owner, name] of [
  ['wasi:sockets/tcp-create-socket', 'createTcpSocket'],
  ['wasi:sockets/udp-create-socket', 'createUdpSocket'],
  ['wasi:sockets/ip-name-lookup', 'resolveAddresses'],
] as const) {
  facts(`${name} is denied`, () => {
    assert.is(
      thrown(() => caller()(owner, name, 'ipv4')),
      'access-denied',
    );
  });
}

facts.run();
