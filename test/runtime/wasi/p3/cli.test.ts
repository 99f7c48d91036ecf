import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { GuestExit, memorySink, memorySource, StreamFailure } from '../../../../runtime/wasi/index.ts';
import { cliInterfaces3 } from '../../../../runtime/wasi/p3/cli.ts';
import { PushSource, text, thrown, utf8 } from '../backend.ts';
import { collect, FakeStream, seatWith } from './guest-parts.ts';

const cli = suite('wasi:cli 0.3');

cli('gives environment and arguments, and no directory', () => {
  const seat = seatWith({ environment: [['A', '1']], arguments: ['program', 'x'] });
  const environment = cliInterfaces3(seat)['wasi:cli/environment@0.3'];
  assert.equal(environment.getEnvironment(), [['A', '1']]);
  assert.equal(environment.getArguments(), ['program', 'x']);
  assert.is(environment.getInitialCwd(), undefined);
});

cli('exits with the status that was asked for', () => {
  const { exit, exitWithCode } = cliInterfaces3(seatWith())['wasi:cli/exit@0.3'];
  for (const [call, status] of [
    [() => exit({ tag: 'ok' }), 0],
    [() => exit({ tag: 'err' }), 1],
    [() => exitWithCode(7), 7],
  ] as const) {
    const error = thrown(call);
    assert.instance(error, GuestExit);
    assert.is((error as GuestExit).exitCode, status);
  }
});

cli('reads standard input, with a second stream from where the first was dropped', async () => {
  const seat = seatWith({ stdin: memorySource(utf8('hello')) });
  const { readViaStream } = cliInterfaces3(seat)['wasi:cli/stdin@0.3'];
  const [first, ended] = readViaStream();
  assert.equal(first.read({ count: 2 }), { value: utf8('he'), done: false });
  await first.return();
  assert.equal(await ended, { tag: 'ok', val: undefined });
  assert.is(await collect(readViaStream()[0]), 'llo');
});

cli('says when standard input breaks', async () => {
  const stdin = new PushSource();
  stdin.push(new StreamFailure('gone'));
  const [stream, ended] = cliInterfaces3(seatWith({ stdin }))['wasi:cli/stdin@0.3'].readViaStream();
  assert.is(await collect(stream), '');
  assert.equal(await ended, { tag: 'err', val: 'pipe' });
});

for (const name of ['stdout', 'stderr'] as const) {
  cli(`writes ${name}, and says when nobody takes it`, async () => {
    const sink = memorySink(5);
    const { writeViaStream } = cliInterfaces3(seatWith({ [name]: sink }))[`wasi:cli/${name}@0.3`];
    assert.equal(await writeViaStream(new FakeStream('hel', 'lo')), { tag: 'ok', val: undefined });
    assert.is(text(sink.bytes()), 'hello');
    const more = new FakeStream('!');
    assert.equal(await writeViaStream(more), { tag: 'err', val: 'pipe' });
    assert.is(more.disposed, 1);
  });
}

cli('has no terminals', () => {
  const interfaces = cliInterfaces3(seatWith());
  assert.is(interfaces['wasi:cli/terminal-stdin@0.3'].getTerminalStdin(), undefined);
  assert.is(interfaces['wasi:cli/terminal-stdout@0.3'].getTerminalStdout(), undefined);
  assert.is(interfaces['wasi:cli/terminal-stderr@0.3'].getTerminalStderr(), undefined);
});

cli.run();
