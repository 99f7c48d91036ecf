import { secretDigest } from './secret.ts';

/** Who sent a request, and what proved it. Only the owner exists yet; paired devices will be another kind. */
export interface Caller {
  readonly kind: 'owner';
  readonly proof: 'token' | 'session';
  /** The session's secret, to end it; null when the token itself was presented. */
  readonly session: string | null;
  readonly byCookie: boolean;
}

/** A name for a caller that tells nothing of its secret: who it was that joined a service. */
export function userOf(caller: Caller | null): string {
  const session = caller?.session ?? null;
  return session === null ? 'owner' : `session-${secretDigest(session).toString('hex').slice(0, 16)}`;
}
