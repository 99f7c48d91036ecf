import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { duplexPair } from 'node:stream';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { QmpConnection } from '../../../runtime/machine/qmp.ts';

/** A connection and the other end of its socket, on which QEMU's answers are written; the negotiation is answered. */
function connection() {
  const [ours, qemu] = duplexPair();
  const qmp = new QmpConnection(ours);
  qemu.write('{"QMP": {"version": {}}}\r\n{"return": {}}\r\n');
  return { qmp, qemu };
}

const failed = (command: Promise<unknown>) =>
  command.then(
    () => 'it did not fail',
    (error: Error) => error.message,
  );

const qmp = suite('a QMP connection');

qmp('answers commands in order, across events and pieces of lines', async () => {
  const { qmp, qemu } = connection();
  const first = qmp.execute('query-status');
  const second = qmp.execute('query-name', { a: 1 });
  qemu.write('{"event": "STOP", "timestamp": {}}\r\n{"ret');
  qemu.write('urn": {"status": "running"}}\r\n{"return": {"name": "x"}}\r\n');
  assert.equal(await first, { status: 'running' });
  assert.equal(await second, { name: 'x' });
});

qmp('begins with the negotiation', async () => {
  const { qemu } = connection();
  const [sent] = (await once(qemu, 'data')) as [Buffer];
  assert.match(sent.toString(), '{"execute":"qmp_capabilities"}');
});

qmp("fails a command with QEMU's own words", async () => {
  const { qmp, qemu } = connection();
  const command = qmp.execute('nonsense');
  qemu.write('{"error": {"class": "CommandNotFound", "desc": "The command nonsense has not been found"}}\r\n');
  assert.is(await failed(command), 'The command nonsense has not been found');
});

for (const [what, bytes, complaint] of [
  ['a line that is not JSON', 'what?\r\n', 'not JSON'],
  ['a line without an end', 'x'.repeat(2 ** 20 + 1), 'too long'],
] as const) {
  qmp(`ends at ${what}`, async () => {
    const { qmp, qemu } = connection();
    const command = qmp.execute('query-status');
    qemu.write(bytes);
    assert.match(await failed(command), complaint);
    assert.match(await failed(qmp.execute('query-status')), complaint);
  });
}

qmp('fails what waits when QEMU goes away', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [qemu] = (await once(server, 'connection')) as [Socket];
  const command = new QmpConnection(socket).execute('query-status');
  qemu.destroy();
  assert.instance(await command.catch((error: Error) => error), Error);
  server.close();
});

qmp.run();
