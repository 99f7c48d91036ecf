/** Who sent a request, and what proved it. Only the owner exists yet; paired devices will be another kind. */
export interface Caller {
  readonly kind: 'owner';
  readonly proof: 'token' | 'session';
  /** The session's secret, to end it; null when the token itself was presented. */
  readonly session: string | null;
  readonly byCookie: boolean;
}
