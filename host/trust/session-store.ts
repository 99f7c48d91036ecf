import { newSecret, secretDigest } from './secret.ts';

/** How long a session lives after it was last used, milliseconds. */
export const SESSION_MS = 12 * 60 * 60 * 1000;

/** Sessions at once; the least recently used gives way. The caller makes them, the cloudlet pays for the memory. */
export const MAX_SESSIONS = 1000;

/** A session that was just opened; the secret is shown this once. */
export interface OpenedSession {
  readonly secret: string;
  readonly expiresAt: Date;
}

/** The sessions of a cloudlet, in memory: a restart ends them all. They are found by the digest of their secret. */
export class SessionStore {
  readonly #expiry = new Map<string, number>();
  readonly #now: () => number;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** Opens a session. */
  open(): OpenedSession {
    const secret = newSecret();
    if (this.#expiry.size >= MAX_SESSIONS) this.#expiry.delete(this.#expiry.keys().next().value ?? '');
    const expires = this.#now() + SESSION_MS;
    this.#expiry.set(keyOf(secret), expires);
    return { secret, expiresAt: new Date(expires) };
  }

  /** When the session with this secret ends, after it was prolonged by being used; null when there is none, or it is over. */
  use(secret: string): Date | null {
    const key = keyOf(secret);
    const expires = this.#expiry.get(key);
    if (expires === undefined) return null;
    this.#expiry.delete(key);
    if (expires <= this.#now()) return null;
    const prolonged = this.#now() + SESSION_MS;
    // Put back at the end: a Map remembers the order of insertion, which makes its first key the least recently used.
    this.#expiry.set(key, prolonged);
    return new Date(prolonged);
  }

  /** Ends a session; nothing happens when there is none. */
  close(secret: string): void {
    this.#expiry.delete(keyOf(secret));
  }
}

function keyOf(secret: string): string {
  return secretDigest(secret).toString('base64');
}
