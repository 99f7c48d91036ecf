import type { Context } from 'hono';
import { getCookie } from 'hono/cookie';
import { CloudletError } from '../../guest-sdk/protocol/index.ts';
import { connectionOf, type HostContext } from '../http/connection.ts';
import { basicToken, REGISTRY_PATH } from '../http/registry-answer.ts';
import type { Caller } from './caller.ts';
import type { OwnNames } from './own-names.ts';
import { isSecret } from './secret.ts';
import { SessionStore } from './session-store.ts';
import { WrongTokens } from './wrong-tokens.ts';

/** What a host knows about who may ask it what. */
export interface Trust {
  readonly names: OwnNames;
  readonly sessions: SessionStore;
  readonly wrongTokens: WrongTokens;
  /** Name of the session cookie. It holds the cloudlet's id, because cookies are shared by all ports of one host. */
  readonly cookieName: string;
  readonly isOwnerToken: (token: string) => boolean;
  /** Whether who has no session may pull functions whose names he knows. */
  readonly anonymousPull: boolean;
}

/** What trust is made of. */
export interface TrustOptions {
  readonly id: string;
  readonly ownerToken: string;
  readonly names: OwnNames;
  readonly anonymousPull?: boolean;
  readonly now?: () => number;
}

/** Sets up trust for one cloudlet. */
export function createTrust(options: TrustOptions): Trust {
  const owner = Buffer.from(options.ownerToken);
  return {
    names: options.names,
    sessions: new SessionStore(options.now),
    wrongTokens: new WrongTokens(options.now),
    cookieName: `cloudlet-session-${options.id}`,
    isOwnerToken: (token) => isSecret(token, owner),
    anonymousPull: options.anonymousPull ?? false,
  };
}

/** Who is asking: the bearer of a token or session, the holder of a session cookie, or null when nothing was presented. A wrong bearer is an error, a stale cookie is not. */
export function identify(c: Context<HostContext>, trust: Trust): Caller | null {
  const authorization = c.req.header('authorization');
  if (authorization !== undefined) {
    const token = tokenOf(authorization, c.req.path);
    if (token === null) return null;
    const caller = token === undefined ? null : callerOf(token, trust);
    if (caller !== null) return caller;
    trust.wrongTokens.note(addressOf(c));
    throw new CloudletError(
      'unauthorized',
      'expected "Authorization: Bearer <token or session>" with the owner\'s token or a live session, got another one',
    );
  }
  if (c.req.header('cookie') === undefined) return null;
  const secret = getCookie(c, trust.cookieName);
  if (secret === undefined || trust.sessions.use(secret) === null) return null;
  return { kind: 'owner', proof: 'session', session: secret, byCookie: true };
}

/** Checks a token that came in a body; throws `unauthorized`, and counts, when it is wrong. */
export function proveOwner(c: Context<HostContext>, trust: Trust, token: string): void {
  if (trust.isOwnerToken(token)) return;
  trust.wrongTokens.note(addressOf(c));
  throw new CloudletError(
    'unauthorized',
    "expected the owner's token, which is in the cloudlet's data directory, got another one",
  );
}

/** The token of a bearer, or of Basic at the registry, which is what its tools know; null where these say that they have none. */
export function tokenOf(authorization: string, path: string): string | null | undefined {
  const bearer = /^bearer +([\x21-\x7e]+)$/i.exec(authorization)?.[1];
  return bearer === undefined && REGISTRY_PATH.test(path) ? basicToken(authorization) : bearer;
}

const OWNER: Caller = { kind: 'owner', proof: 'token', session: null, byCookie: false };

/** Whose token or session this is; null when it is nobody's. */
export function callerOf(bearer: string, trust: Trust): Caller | null {
  if (trust.isOwnerToken(bearer)) return OWNER;
  if (trust.sessions.use(bearer) === null) return null;
  return { kind: 'owner', proof: 'session', session: bearer, byCookie: false };
}

/** Where a request comes from. */
export function addressOf(c: Context<HostContext>): string {
  return connectionOf(c)?.incoming.socket.remoteAddress ?? 'in-process';
}
