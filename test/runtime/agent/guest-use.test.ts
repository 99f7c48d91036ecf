import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { GuestUse, WorkerUse } from '../../../runtime/agent/guest-use.ts';
import { encodeDone } from '../../../runtime/agent/invocation-message.ts';
import { type DoneMessage, encodeMessage, MAX_FRAME_BYTES } from '../../../runtime/agent/wire.ts';
import { parseDone } from '../../../runtime/sandbox/channel/agent-message.ts';

const uses = suite('what a guest uses');

uses('is told once for each worker, and nothing when there is no news', () => {
  const worker = new WorkerUse(false);
  const first = new GuestUse(worker);
  first.file('/a', 'read');
  first.file('/a', 'read');
  first.read('environment');
  first.configuration('k', false);
  const message = first.message(10, 65_536, null);
  assert.equal(message?.files, [['/a', 'read']]);
  assert.equal([message?.environment, message?.arguments, message?.configuration], [true, false, [['k', false]]]);
  const second = new GuestUse(worker);
  second.file('/a', 'read');
  assert.is(second.message(10, 65_536, null), undefined);
  const third = new GuestUse(worker);
  third.file('/a', 'missing');
  assert.equal(third.message(5, 65_536, null)?.files, [['/a', 'missing']]);
  assert.is(new GuestUse(worker).message(11, 0, null)?.scratchBytes, 11);
});

uses('of an invocation keeps the paths that it looked for last in vain', () => {
  const use = new GuestUse(new WorkerUse(false));
  for (const path of ['/1', '/2', '/3', '/4', '/5', '/3']) use.file(path, 'missing');
  assert.equal(use.missing, ['/2', '/4', '/5', '/3']);
  assert.is(new GuestUse(new WorkerUse(false)).missing, undefined);
});

for (const [recorded, most] of [
  [false, 512],
  [true, 4096],
] as const)
  uses(`is bounded, ${recorded ? 'also ' : 'un'}recorded, and fits into a frame`, () => {
    const use = new GuestUse(new WorkerUse(recorded));
    for (let at = 0; at < 10_000; at += 1) use.file(`/${at}${'ü'.repeat(at % 2000)}`, 'missing');
    const message = use.message(0, 0, null)!;
    assert.ok(message.files.length <= most);
    assert.is(message.files.length + message.dropped >= 9000, true);
    assert.ok(encodeMessage({ kind: 'ok', use: message }).length < MAX_FRAME_BYTES);
  });

const USE = {
  ...{ files: [['/a', 'read']], configuration: [[null, true]], environment: true, arguments: false },
  ...{ dropped: 0, scratchBytes: 1, memoryBytes: 2, cpuMs: null },
};
const done = (more: object) => parseDone(encodeDone({ kind: 'ok', exitCode: 0, runMs: 1, ...more } as DoneMessage));

uses('is taken from an agent as it was told', () => {
  assert.equal(done({ use: USE, missing: ['/m'] }), { kind: 'ok', exitCode: 0, runMs: 1, use: USE, missing: ['/m'] });
  assert.equal(done({}), { kind: 'ok', exitCode: 0, runMs: 1 });
});

for (const [what, more] of [
  ['no object', { use: 'x' }],
  ['an unknown use', { use: { ...USE, files: [['/a', 'eaten']] } }],
  ['a path that is none', { use: { ...USE, files: [[1, 'read']] } }],
  ['a path that is too long', { use: { ...USE, files: [['/'.repeat(600), 'read']] } }],
  ['too many files', { use: { ...USE, files: Array.from({ length: 5000 }, () => ['/a', 'read']) } }],
  ['a negative amount', { use: { ...USE, memoryBytes: -1 } }],
  ['too much that was missing', { missing: ['/1', '/2', '/3', '/4', '/5'] }],
] as const)
  uses(`with ${what} is refused`, () => {
    assert.throws(
      () => done(more),
      (error: Error) => error.name === 'WireError',
    );
  });

uses.run();
