import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { HostLab } from '../support/host-lab.ts';
import { testAgentFile } from '../support/sandbox-lab.ts';

/** What a host may take at rest, and what a long stream may add, MiB: a busy computer frees later, but not only at the end. */
const REST_MIB = 150;
const STREAM_MIB = 100;
const BODY_BYTES = 240 * 1024 * 1024;

interface Context {
  host: HostLab;
}
const memory = suite<Context>("the host's memory");

memory.before(async (context) => {
  // Made once for each version: a host that has to bundle it takes more.
  await testAgentFile();
  context.host = await HostLab.open('process');
  await context.host.publish('echo', 'echo-http');
});
memory.after((context) => context.host.close());

memory(`stays below ${REST_MIB} MiB at rest, after a publish and a call`, async ({ host }) => {
  assert.is(await (await host.ask('/f/echo/echo', { method: 'POST', body: 'warm' })).text(), 'warm');
  assert.ok(host.rssMib < REST_MIB, `${host.rssMib.toFixed(0)} MiB`);
});

memory(`grows by less than ${STREAM_MIB} MiB while 240 MiB stream through a function and back`, async ({ host }) => {
  const before = host.rssMib;
  let peak = before;
  let sent = 0;
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull(controller) {
      const chunk = new Uint8Array(64 * 1024).fill(sent / 65536);
      controller.enqueue(chunk);
      sent += chunk.length;
      if (sent >= BODY_BYTES) controller.close();
    },
  });
  const response = await host.ask('/f/echo/echo', { method: 'POST', body, duplex: 'half' } as RequestInit);
  assert.is(response.status, 200);
  let received = 0;
  for await (const chunk of response.body!) {
    received += chunk.length;
    peak = Math.max(peak, host.rssMib);
  }
  assert.is(received, BODY_BYTES);
  assert.ok(peak - before < STREAM_MIB, `from ${before.toFixed(0)} to ${peak.toFixed(0)} MiB`);
});

memory.run();
