import { duplexPair } from 'node:stream';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ControlPort, encodeIdentity, newIdentity, TEMPLATE_WALL_MS } from '../../../runtime/machine/identity.ts';

const LENGTH = 96;

const identity = suite('the identity of a machine');

identity('is these bytes, which init.c reads', () => {
  const bytes = encodeIdentity({
    wallMs: 1_700_000_000_123.5,
    entropy: new Uint8Array(64).fill(0xee),
    id: Uint8Array.from({ length: 16 }, (_, at) => at),
  });
  const seconds = '00f1536500000000'; // 1 700 000 000
  const nanoseconds = 'e0755c0700000000'; // 123 500 000
  assert.is(
    Buffer.from(bytes).toString('hex'),
    `${seconds}${nanoseconds}${'ee'.repeat(64)}000102030405060708090a0b0c0d0e0f`,
  );
});

for (const [wallMs, seconds, nanoseconds] of [
  [0, 0n, 0n],
  [TEMPLATE_WALL_MS, 946_684_800n, 0n],
  [-1, -1n, 999_000_000n],
  [999.999, 0n, 999_999_000n],
] as const) {
  identity(`has ${wallMs} ms as ${seconds} s and ${nanoseconds} ns`, () => {
    const view = new DataView(encodeIdentity(newIdentity(wallMs)).buffer);
    assert.is(view.getBigInt64(0, true), seconds);
    assert.is(view.getBigInt64(8, true), nanoseconds);
  });
}

identity('is another one each time, and of now', () => {
  const made = Array.from({ length: 100 }, () => newIdentity());
  assert.is(new Set(made.map(({ id }) => Buffer.from(id).toString('hex'))).size, made.length);
  assert.is(new Set(made.map(({ entropy }) => Buffer.from(entropy).toString('hex'))).size, made.length);
  assert.ok(made.every(({ wallMs }) => Math.abs(wallMs - Date.now()) < 10_000));
});

const control = suite('the control port');

/** A port, the guest's end of it, and in which order its answers came. */
function connected() {
  const [near, far] = duplexPair();
  const port = new ControlPort(near);
  const outcomes: string[] = [];
  let bytes = 0;
  far.on('data', (data: Uint8Array) => (bytes += data.length));
  const renew = (name: string) =>
    port.renew(newIdentity()).then(
      () => void outcomes.push(name),
      (error: Error) => void outcomes.push(`${name}: ${error.message}`),
    );
  return { near, far, outcomes, renew, received: () => bytes };
}

control('answers in the order of the identities', async () => {
  const { far, outcomes, renew, received } = connected();
  const both = [renew('first'), renew('second')];
  far.write('k');
  await both[0];
  assert.equal(outcomes, ['first']);
  far.write('k');
  await both[1];
  assert.equal(outcomes, ['first', 'second']);
  assert.is(received(), 2 * LENGTH);
});

control('takes answers that come together', async () => {
  const { far, outcomes, renew } = connected();
  const both = [renew('first'), renew('second')];
  far.write('kk');
  await Promise.all(both);
  assert.equal(outcomes, ['first', 'second']);
});

for (const [what, bytes, expected] of [
  ['another byte', 'x', 'got byte 120'],
  ['another byte after the right one', 'k\0', 'got byte 0'],
] as const) {
  control(`is over with ${what}`, async () => {
    const { near, far, outcomes, renew } = connected();
    const all = [renew('first'), renew('second')];
    far.write(bytes);
    await Promise.all(all);
    assert.match(outcomes.at(-1)!, expected);
    assert.ok(near.destroyed);
    await renew('later');
    assert.match(outcomes.at(-1)!, `later: expected the answer to an identity on the control port, ${expected}`);
  });
}

control('is over with an answer to nothing', async () => {
  const { near, far, outcomes, renew } = connected();
  far.write('k');
  await new Promise((resolve) => near.once('close', resolve));
  await renew('later');
  assert.equal(outcomes, ['later: expected the answer to an identity on the control port, got byte 107']);
});

control('that is closed fails what waits for it', async () => {
  const { near, outcomes, renew } = connected();
  const both = [renew('first'), renew('second')];
  near.destroy();
  await Promise.all(both);
  assert.equal(outcomes, ['first: the control port was closed', 'second: the control port was closed']);
});

identity.run();
control.run();
