import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Two ends of one real Unix socket. */
export async function socketPair(): Promise<[Socket, Socket]> {
  const folder = await mkdtemp(join(tmpdir(), 'cloudlet-pair-'));
  const server = createServer();
  try {
    const path = join(folder, 'socket');
    await new Promise<void>((resolve) => server.listen(path, resolve));
    const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve));
    const near = connect(path);
    return [near, await accepted];
  } finally {
    server.close();
    await rm(folder, { recursive: true, force: true });
  }
}
