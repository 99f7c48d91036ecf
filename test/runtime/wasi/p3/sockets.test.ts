import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { socketInterfaces3 } from '../../../../runtime/wasi/p3/sockets.ts';
import { thrown } from '../backend.ts';

const sockets = suite('wasi:sockets 0.3 without a network');

sockets('makes no socket and looks up no name', async () => {
  const interfaces = socketInterfaces3();
  const { TcpSocket, UdpSocket } = interfaces['wasi:sockets/types@0.3'];
  assert.equal(
    thrown(() => TcpSocket.create()),
    { tag: 'access-denied' },
  );
  assert.equal(
    thrown(() => UdpSocket.create()),
    { tag: 'access-denied' },
  );
  const reason = await interfaces['wasi:sockets/ip-name-lookup@0.3'].resolveAddresses().catch((error) => error);
  assert.equal(reason, { tag: 'access-denied' });
});

sockets.run();
