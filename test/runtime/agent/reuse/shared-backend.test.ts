import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { SharedBackend } from '../../../../runtime/agent/reuse/shared-backend.ts';
import { FileTree, memorySink } from '../../../../runtime/wasi/index.ts';
import { backend, ManualClock, text, utf8 } from '../../wasi/backend.ts';

const sharing = suite('the backend of several invocations');

const invocation = (name: string) => {
  const [stdout, stderr, clock] = [memorySink(100), memorySink(100), new ManualClock()];
  clock.ns = BigInt(name.charCodeAt(0)) * 1_000_000n;
  const files = new FileTree({ scratchBytes: 0, scratchNodes: 0 });
  const given = backend({
    ...{ stdout, stderr, clock, files },
    environment: [['NAME', name]],
    arguments: [name],
    random: (bytes) => void bytes.fill(name.charCodeAt(0)),
  });
  return { given, out: () => text(stdout.bytes()), err: () => text(stderr.bytes()) };
};

sharing('works for the one that began last', () => {
  const [a, b] = [invocation('a'), invocation('b')];
  const shared = new SharedBackend(a.given);
  shared.stdout.write(utf8('1'));
  shared.enter(b.given);
  shared.stdout.write(utf8('2'));
  shared.stderr.write(utf8('3'));
  assert.equal([a.out(), b.out(), b.err()], ['1', '2', '3']);
  assert.equal(shared.environment, [['NAME', 'b']]);
  assert.equal(shared.arguments, ['b']);
  assert.is(shared.clock.wallMs(), 98);
  const bytes = new Uint8Array(1);
  shared.random(bytes);
  assert.is(bytes[0], 98);
});

sharing('goes back to the one before when the last has left', () => {
  const [a, b] = [invocation('a'), invocation('b')];
  const shared = new SharedBackend(a.given);
  shared.enter(b.given);
  shared.leave(b.given);
  shared.stdout.write(utf8('1'));
  shared.leave(a.given);
  assert.equal(shared.arguments, ['a']);
  assert.equal([a.out(), b.out()], ['1', '']);
});

sharing('keeps the files of the first, and closes no sink', () => {
  const [a, b] = [invocation('a'), invocation('b')];
  const shared = new SharedBackend(a.given);
  shared.enter(b.given);
  assert.is(shared.files, a.given.files);
  shared.stdout.close();
  shared.stdout.write(utf8('1'));
  assert.is(b.out(), '1');
});

sharing.run();
