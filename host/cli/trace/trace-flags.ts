import { resolve } from 'node:path';
import type { TracedDirectory, TracedRequest } from '../../../guest-sdk/build/index.ts';
import { guestPathFault, parseHostPattern } from '../../../guest-sdk/protocol/index.ts';
import { UsageError } from '../usage-error.ts';

/** `HOST` or `HOST:GUEST`: a directory or file of this computer, and where the function finds it. */
export function parseDirectory(text: string): TracedDirectory {
  const at = text.lastIndexOf(':');
  const host = at > 0 ? text.slice(0, at) : text;
  const named = at > 0 ? text.slice(at + 1) : host;
  const guest = `/${named
    .split('/')
    .filter((name) => name !== '' && name !== '.')
    .join('/')}`;
  const fault = guestPathFault(guest);
  if (host === '' || fault !== null) {
    throw new UsageError(
      `expected --dir HOST or HOST:GUEST, such as assets:/data, got ${JSON.stringify(text)}${fault === null ? '' : ` (${fault} for the function)`}`,
    );
  }
  return { host: resolve(host), guest };
}

/** `NAME=VALUE`, or `NAME` for its value here. */
export function parseVariable(flag: string, text: string, here: Readonly<Record<string, string | undefined>>) {
  const at = text.indexOf('=');
  const name = at === -1 ? text : text.slice(0, at);
  const value = at === -1 ? here[name] : text.slice(at + 1);
  if (name === '' || value === undefined) {
    const got = name === '' ? JSON.stringify(text) : `${name}, which is not set here`;
    throw new UsageError(`expected ${flag} NAME=VALUE, or the NAME of a variable that is set, got ${got}`);
  }
  return [name, value] as const;
}

/** Hosts of `--allow-net`: all without one. */
export function parseNetwork(flag: boolean | readonly string[] | undefined): string[] {
  if (flag === undefined || flag === false) return [];
  if (flag === true) return ['*:*'];
  for (const host of flag) {
    const read = parseHostPattern(host, { port: 'scheme' });
    if (typeof read === 'string')
      throw new UsageError(
        `expected --allow-net with hosts such as api.example.org, got ${JSON.stringify(host)} (${read})`,
      );
  }
  return [...flag];
}

/** Words of `--request`: paths, each with a method before it unless that is GET. */
export function parseRequests(words: readonly string[]): TracedRequest[] {
  const requests: TracedRequest[] = [];
  let method: string | null = null;
  for (const word of words) {
    if (word.startsWith('/')) {
      requests.push({ method: method ?? 'GET', path: word });
      method = null;
    } else if (method === null && /^[A-Za-z]{1,20}$/.test(word)) {
      method = word.toUpperCase();
    } else {
      throw new UsageError(
        `expected --request [METHOD] PATH, such as --request POST /upload, got ${JSON.stringify(word)}`,
      );
    }
  }
  if (method !== null) throw new UsageError(`expected a path after --request ${method}, such as /`);
  return requests;
}
