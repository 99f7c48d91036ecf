/** Why nothing came of a connection, in words that both `wasi:http` and `wasi:sockets` have one for. */
export type FailureKind =
  | 'name-unknown'
  | 'resolver-failed'
  | 'prohibited'
  | 'refused'
  | 'unreachable'
  | 'timeout'
  | 'reset'
  | 'limit'
  | 'address-in-use'
  | 'address-not-bindable'
  | 'tls-certificate'
  | 'tls-protocol'
  | 'aborted'
  | 'failed';

/** A connection that did not come to be, or broke. */
export class NetworkFailure extends Error {
  override readonly name = 'NetworkFailure';
  readonly kind: FailureKind;

  constructor(kind: FailureKind, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.kind = kind;
  }
}

const KINDS: Readonly<Record<string, FailureKind>> = {
  ECONNREFUSED: 'refused',
  ECONNRESET: 'reset',
  EPIPE: 'reset',
  ECONNABORTED: 'reset',
  ETIMEDOUT: 'timeout',
  EHOSTUNREACH: 'unreachable',
  ENETUNREACH: 'unreachable',
  EHOSTDOWN: 'unreachable',
  ENETDOWN: 'unreachable',
  EAFNOSUPPORT: 'unreachable',
  EADDRINUSE: 'address-in-use',
  EADDRNOTAVAIL: 'address-not-bindable',
  ENOTFOUND: 'name-unknown',
  ENODATA: 'name-unknown',
  EAI_AGAIN: 'resolver-failed',
  EAI_FAIL: 'resolver-failed',
  ABORT_ERR: 'aborted',
  EMFILE: 'limit',
  ENFILE: 'limit',
};

const CERTIFICATE_CODE =
  /^(CERT_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|ERR_TLS_CERT_|INVALID_CA|INVALID_PURPOSE|HOSTNAME_MISMATCH|PATH_LENGTH|CRL_)/;

/** What Node threw, as a failure. */
export function asNetworkFailure(thrown: unknown): NetworkFailure {
  if (thrown instanceof NetworkFailure) return thrown;
  const { code, message } = thrown as { readonly code?: unknown; readonly message?: string };
  const name = typeof code === 'string' ? code : '';
  const kind =
    KINDS[name] ??
    (CERTIFICATE_CODE.test(name)
      ? 'tls-certificate'
      : /^(ERR_SSL_|ERR_TLS_|EPROTO$)/.test(name)
        ? 'tls-protocol'
        : 'failed');
  return new NetworkFailure(kind, name === '' ? String(message) : name, thrown);
}
