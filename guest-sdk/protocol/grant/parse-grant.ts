import { CloudletError } from '../errors.ts';
import { type Grant, GrantRequest } from './grant.ts';
import { namesOfGuestPath } from './guest-path.ts';
import type { LimitName } from './limits.ts';
import { strictParse } from './strict-parse.ts';

/** What a function asks for, with nothing left out but the limits that it leaves to the host. */
export type AskedGrant = Omit<Grant, 'limits'> & {
  readonly limits: { readonly [K in LimitName]?: number | undefined };
};

/** Nothing. */
export const NOTHING_ASKED: AskedGrant = askedGrant({});

/**
 * Reads the grant of a package or project: plain data with the keys of `GrantRequest`. `what` names it in the sentence of the error,
 * which is `grant-invalid` and names the key, what was expected and what came.
 */
export function parseGrant(value: unknown, what = 'the grant'): AskedGrant {
  const asked = askedGrant(strictParse(GrantRequest, value, what, 'grant-invalid'));
  checkSecrets(asked, what);
  checkPlaces(asked, what);
  return asked;
}

/** Puts nothing in the place of what was left out. */
export function askedGrant(request: GrantRequest): AskedGrant {
  const {
    files = [],
    scratch = [],
    environment = {},
    configuration = {},
    secrets = [],
    http = [],
    sockets,
    stores,
  } = request;
  const list = Array.isArray(scratch) ? scratch : [scratch];
  return {
    files,
    scratch: list.map(({ path, bytes, from }) => ({ path, bytes, from: from ?? null })),
    environment,
    arguments: request.arguments ?? [],
    configuration,
    secrets,
    http,
    sockets: { tcp: [], udp: [], lookup: false, listen: false, ...sockets } as Grant['sockets'],
    stores: { keyvalue: stores?.keyvalue ?? null, blobs: stores?.blobs ?? null },
    limits: request.limits ?? {},
  };
}

/** Names of the secrets that reach the guest: those that an entry refers to. */
export function secretsUsed(grant: Pick<Grant, 'environment' | 'configuration'>): string[] {
  const values = [...Object.values(grant.environment), ...Object.values(grant.configuration)];
  return [...new Set(values.flatMap((value) => (typeof value === 'string' ? [] : [value.secret])))];
}

function checkSecrets(asked: AskedGrant, what: string): void {
  for (const table of ['environment', 'configuration'] as const) {
    for (const [key, value] of Object.entries(asked[table])) {
      if (typeof value === 'string' || asked.secrets.includes(value.secret)) continue;
      throw new CloudletError(
        'grant-invalid',
        `${what}: ${table}.${key} refers to the secret "${value.secret}", which is not asked for; add it to "secrets"`,
      );
    }
  }
}

/** One place, one meaning. A place within another is fine. */
function checkPlaces({ files, scratch }: AskedGrant, what: string): void {
  const seen = new Map<string, string>();
  const places = [
    ...files.map((each, at) => [`files.${at}`, each] as const),
    ...scratch.map((each, at) => [`scratch.${at}`, each] as const),
  ];
  for (const [key, { path }] of places) {
    const place = namesOfGuestPath(path).join('/');
    const other = seen.get(place);
    if (other !== undefined) {
      throw new CloudletError(
        'grant-invalid',
        `${what}: ${key}.path must be another place than ${other}.path, got ${JSON.stringify(path)} for both`,
      );
    }
    seen.set(place, key);
  }
}
