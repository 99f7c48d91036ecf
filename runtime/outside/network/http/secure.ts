import { isIP, type Socket } from 'node:net';
import { connect } from 'node:tls';
import { asNetworkFailure, NetworkFailure } from '../network-failure.ts';

/**
 * TLS over a connection, with a peer that proves to be `host`. `authorities`: certificates (PEM) to believe in place of those
 * that come with Node.
 */
export function secure(
  socket: Socket,
  host: string,
  authorities: readonly string[] | null,
  signal: AbortSignal,
): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const tls = connect({
      socket,
      host,
      // An address has no place in SNI; it is compared with the certificate all the same.
      ...(isIP(host) === 0 ? { servername: host } : {}),
      ...(authorities === null ? {} : { ca: [...authorities] }),
      ALPNProtocols: ['http/1.1'],
      minVersion: 'TLSv1.2',
      rejectUnauthorized: true,
    });
    const abort = () => tls.destroy(new NetworkFailure('aborted', 'the connection is not wanted any more'));
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    // Stays for the socket's life: an error that nobody hears ends the program.
    tls.on('error', (error) => {
      signal.removeEventListener('abort', abort);
      socket.destroy();
      reject(asNetworkFailure(error));
    });
    tls.once('secureConnect', () => {
      signal.removeEventListener('abort', abort);
      resolve(tls);
    });
  });
}
