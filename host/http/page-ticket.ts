import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

/** The part of an address that lets its holder have the pages of one web application, and reach its server: `~` and 32 characters. */
export const TICKET = /^~[A-Za-z0-9_-]{32}$/;

/** Makes and checks tickets; a host has a new key with each start. */
export interface PageTickets {
  readonly of: (name: string, revision: number) => string;
  readonly fits: (ticket: string, name: string, revision: number) => boolean;
}

/**
 * Tickets of one host. Pages without an origin are sent no cookie for what they load, so their address is what proves that they were
 * opened by somebody who may: it is made of a key that nobody has, and goes with the revision and the process.
 */
export function pageTickets(key: Uint8Array = randomBytes(32)): PageTickets {
  const of = (name: string, revision: number): string =>
    `~${createHmac('sha256', key).update(`${name}\0${revision}`).digest('base64url').slice(0, 32)}`;
  return {
    of,
    fits: (ticket, name, revision) => {
      const [given, right] = [Buffer.from(ticket), Buffer.from(of(name, revision))];
      return given.length === right.length && timingSafeEqual(given, right);
    },
  };
}
