import type { SocketErrorCode } from '../../../wasi/index.ts';
import { OutsideRefusal } from '../../outside-service.ts';
import { asNetworkFailure, type FailureKind } from '../network-failure.ts';

/** Says to the guest, in a code of `wasi:sockets`, why nothing comes of its socket. */
export function socketRefusal(code: SocketErrorCode, message: string): OutsideRefusal {
  return new OutsideRefusal(code, message);
}

const CODES: Readonly<Record<FailureKind, SocketErrorCode>> = {
  'name-unknown': 'name-unresolvable',
  'resolver-failed': 'temporary-resolver-failure',
  prohibited: 'access-denied',
  refused: 'connection-refused',
  unreachable: 'remote-unreachable',
  timeout: 'timeout',
  reset: 'connection-reset',
  limit: 'new-socket-limit',
  'address-in-use': 'address-in-use',
  'address-not-bindable': 'address-not-bindable',
  'tls-certificate': 'unknown',
  'tls-protocol': 'unknown',
  aborted: 'connection-aborted',
  failed: 'unknown',
};

/** What Node threw, for the guest. */
export function asSocketRefusal(thrown: unknown): OutsideRefusal {
  if (thrown instanceof OutsideRefusal) return thrown;
  const failure = asNetworkFailure(thrown);
  return socketRefusal(CODES[failure.kind], failure.message);
}
