import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { LaneSandbox } from '../../../../runtime/sandbox/pool/lane-sandbox.ts';
import { MemoryWatch } from '../../../../runtime/sandbox/pool/memory-watch.ts';
import { FakeClock } from '../../../support/fake-clock.ts';

const watches = suite('the watch over what sandboxes take');

watches('is closed when it measures nothing any more', async () => {
  const heard: string[] = [];
  const bytes = [Promise.withResolvers<number>(), Promise.withResolvers<number>()];
  const all = bytes.map(({ promise }) => ({ sandbox: { privateBytes: () => promise } }) as unknown as LaneSandbox);
  const watch = new MemoryWatch({
    clock: new FakeClock(),
    measureMs: 1000,
    all: () => all,
    measured: (one, bytes) => void heard.push(`${all.indexOf(one)} has ${bytes}`),
  });
  for (const one of all) watch.measure(one);
  const closed = watch.close().then(() => heard.push('closed'));
  bytes[1]!.reject(new Error('its machine is gone'));
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(heard, []);
  bytes[0]!.resolve(7);
  await closed;
  assert.equal(heard, ['0 has 7', 'closed']);
});

watches.run();
