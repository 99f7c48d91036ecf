import { type Agent, type ClientRequest, type RequestOptions, request } from 'node:http';
import type { Duplex } from 'node:stream';

/** Header bytes that a server in a VM may send: it chooses, the host pays. */
export const MAX_ANSWER_HEAD_BYTES = 64 * 1024;

/**
 * A request of HTTP over this connection. When all of it is over and the connection as new, Node says `free` on it; else it
 * destroys it.
 */
export function requestOver(
  connection: Duplex,
  options: Pick<RequestOptions, 'method' | 'path' | 'headers'>,
): ClientRequest {
  return request({ ...options, agent: agentOf(connection), setHost: false, maxHeaderSize: MAX_ANSWER_HEAD_BYTES });
}

/** Node asks its agent for a connection; here it is. */
function agentOf(connection: Duplex): Agent {
  const agent = {
    keepAlive: true,
    protocol: 'http:',
    defaultPort: 80,
    addRequest: (message: ClientRequest) => message.onSocket(connection as Parameters<ClientRequest['onSocket']>[0]),
  };
  return agent as unknown as Agent;
}
